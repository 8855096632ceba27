// How much of an adapter the sequence of a row has.
float adapter_scale(BatchWords batch, uint sequences_at, uint row, uint adapters, uint adapter) {
  const uint scales = batch.word[kAdapterScales];
  if (scales == 0) return 0;
  const uint sequence = batch.word[batch.word[sequences_at] + row];
  return uintBitsToFloat(batch.word[scales + sequence * adapters + adapter]);
}
