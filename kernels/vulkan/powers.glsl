// Powers of two that bring values near the largest halves, so that none of them overflows and few are lost.

// 2^n, n from -126 to 127.
float power(int n) { return uintBitsToFloat(uint(n + 127) << 23); }

// The n for which 2^n times the magnitude of these bits is from 2^14 up to 2^15, or for tiny ones below that.
int shift_of(uint bits) { return min(141 - int(bits >> 23), 126); }

// value * 2^n, which overflows only where the result does. n: from -252 to 254.
float shifted(float value, int n) {
  precise float half_way = value * power(n / 2);
  precise float result = half_way * power(n - n / 2);
  return result;
}
