// Sums and maxima over a workgroup of kThreads threads, which the includer declares. All threads must take part, and
// all get the result.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

shared float subgroup_results[kThreads];

float workgroup_sum(float value) {
  barrier();  // the results of the call before were read, and the threads of a subgroup are together again
  const float sum = subgroupAdd(value);
  if (subgroupElect()) subgroup_results[gl_SubgroupID] = sum;
  barrier();
  float total = 0;
  for (uint i = 0; i < gl_NumSubgroups; ++i) total += subgroup_results[i];
  return total;
}

float workgroup_max(float value) {
  barrier();
  const float largest = subgroupMax(value);
  if (subgroupElect()) subgroup_results[gl_SubgroupID] = largest;
  barrier();
  float total = subgroup_results[0];
  for (uint i = 1; i < gl_NumSubgroups; ++i) total = max(total, subgroup_results[i]);
  return total;
}
