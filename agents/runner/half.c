/* SPDX-License-Identifier: Apache-2.0 */
/* The two 16-bit floating-point formats; see tensor.h. Bit layouts: IEEE 754-2019 section 3.6
 * (binary16) and the upper half of binary32 (bfloat16). */
#include "tensor.h"

#include <string.h>

static uint32_t bits_of(float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof(u));
	return u;
}

static float float_of(uint32_t u)
{
	float v;

	memcpy(&v, &u, sizeof(v));
	return v;
}

float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 0x1f, man = h & 0x3ff;

	if (exp == 0x1f)
		return float_of(sign | 0x7f800000 | man << 13);
	if (exp)
		return float_of(sign | (exp + 112) << 23 | man << 13);
	/* A subnormal is man × 2^-24, which a float holds exactly. */
	return (sign ? -1.0f : 1.0f) * (float)man * 0x1p-24f;
}

uint16_t half_from_float(float v)
{
	uint32_t u = bits_of(v), sign = u >> 16 & 0x8000, mag = u & 0x7fffffff;
	uint32_t odd, shift, man;

	if (mag > 0x7f800000)
		return sign | 0x7e00;
	if (mag >= 0x477ff000) /* 65520 and above round to infinity */
		return sign | 0x7c00;
	if (mag >= 0x38800000) { /* 2^-14, the smallest normal half */
		odd = mag >> 13 & 1;
		return sign | (mag - 0x38000000 + 0xfff + odd) >> 13;
	}
	if (mag < 0x33000000) /* below half of 2^-24 */
		return sign;
	shift = 126 - (mag >> 23); /* bits below the subnormal's last place */
	man = (mag & 0x7fffff) | 0x800000;
	odd = man >> shift & 1;
	return sign | (man + (1u << (shift - 1)) - 1 + odd) >> shift;
}

float bf16_to_float(uint16_t h)
{
	return float_of((uint32_t)h << 16);
}

uint16_t bf16_from_float(float v)
{
	uint32_t u = bits_of(v);

	if ((u & 0x7fffffff) > 0x7f800000)
		return u >> 16 | 0x40;
	return (u + 0x7fff + (u >> 16 & 1)) >> 16;
}
