// Attention of short sequences and GEGLU, forward and backward, for training on a processor: the plain forms are in magicvideo.py.
#include <math.h>
#include <stdint.h>
#include <string.h>

#define MOST_TOKENS 64
#define MOST_WIDTH 32

static inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
  float whole = floorf(x * 1.44269504f + 0.5f);
  float r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  union { int32_t i; float f; } power = {.i = ((int32_t)whole + 127) << 23};
  return p * power.f;
}

// The first `d` of each row of one head, padded with zeros to MOST_WIDTH.
static void rows_of(const float *x, int rows, int stride, int d, float (*out)[MOST_WIDTH]) {
  for (int j = 0; j < rows; j++) {
    memset(out[j], 0, sizeof out[j]);
    memcpy(out[j], x + (long)j * stride, d * sizeof(float));
  }
}

static void columns_of(const float *x, int rows, int stride, int d, float (*out)[MOST_TOKENS]) {
  for (int c = 0; c < d; c++)
    for (int j = 0; j < MOST_TOKENS; j++) out[c][j] = j < rows ? x[(long)j * stride + c] : 0.0f;
}

// query [n, s, width], key and value [n, t, width], out as query, chances [n, heads, s, t].
void attend_forward(int n, int s, int t, int width, int heads, int causal, const float *query, const float *key, const float *value,
                    float *out, float *chances) {
  int d = width / heads, padded = (d + 15) / 16 * 16, tokens = (t + 15) / 16 * 16;
  float scale = 1.0f / sqrtf((float)d);
  float keys[MOST_WIDTH][MOST_TOKENS], values[MOST_TOKENS][MOST_WIDTH], score[MOST_TOKENS], sum[MOST_WIDTH];
  for (int b = 0; b < n; b++)
    for (int h = 0; h < heads; h++) {
      columns_of(key + (long)b * t * width + h * d, t, width, d, keys);
      rows_of(value + (long)b * t * width + h * d, t, width, d, values);
      for (int i = 0; i < s; i++) {
        const float *q = query + ((long)b * s + i) * width + h * d;
        float *p = chances + (((long)b * heads + h) * s + i) * t;
        int seen = causal ? i + 1 : t;
        for (int j = 0; j < tokens; j++) score[j] = 0;
        for (int c = 0; c < d; c++) {
          float x = q[c] * scale;
          for (int j = 0; j < tokens; j++) score[j] += x * keys[c][j];
        }
        float most = score[0], total = 0;
        for (int j = 1; j < seen; j++) most = score[j] > most ? score[j] : most;
        for (int j = seen; j < tokens; j++) score[j] = -1e30f;
        for (int j = 0; j < tokens; j++) score[j] = exponential(score[j] - most);
        for (int j = 0; j < seen; j++) total += score[j];
        for (int j = 0; j < t; j++) p[j] = j < seen ? score[j] / total : 0.0f;
        for (int c = 0; c < padded; c++) sum[c] = 0;
        for (int j = 0; j < seen; j++)
          for (int c = 0; c < padded; c++) sum[c] += p[j] * values[j][c];
        memcpy(out + ((long)b * s + i) * width + h * d, sum, d * sizeof(float));
      }
    }
}

void attend_backward(int n, int s, int t, int width, int heads, int causal, const float *query, const float *key, const float *value,
                     const float *chances, const float *grad, float *to_query, float *to_key, float *to_value) {
  int d = width / heads, padded = (d + 15) / 16 * 16, tokens = (t + 15) / 16 * 16;
  float scale = 1.0f / sqrtf((float)d);
  float values[MOST_WIDTH][MOST_TOKENS], keys[MOST_TOKENS][MOST_WIDTH], dk[MOST_TOKENS][MOST_WIDTH], dv[MOST_TOKENS][MOST_WIDTH];
  float dp[MOST_TOKENS], dq[MOST_WIDTH], q[MOST_WIDTH], g[MOST_WIDTH];
  for (int b = 0; b < n; b++)
    for (int h = 0; h < heads; h++) {
      long at = (long)b * t * width + h * d;
      columns_of(value + at, t, width, d, values);
      rows_of(key + at, t, width, d, keys);
      memset(dk, 0, sizeof dk);
      memset(dv, 0, sizeof dv);
      for (int i = 0; i < s; i++) {
        long row = ((long)b * s + i) * width + h * d;
        const float *p = chances + (((long)b * heads + h) * s + i) * t;
        int seen = causal ? i + 1 : t;
        for (int c = 0; c < padded; c++) {
          q[c] = c < d ? query[row + c] * scale : 0;
          g[c] = c < d ? grad[row + c] : 0;
          dq[c] = 0;
        }
        for (int j = 0; j < tokens; j++) dp[j] = 0;
        for (int c = 0; c < d; c++)
          for (int j = 0; j < tokens; j++) dp[j] += g[c] * values[c][j];
        float mean = 0;
        for (int j = 0; j < seen; j++) mean += p[j] * dp[j];
        for (int j = 0; j < seen; j++) {
          float ds = p[j] * (dp[j] - mean), pj = p[j];
          for (int c = 0; c < padded; c++) {
            dv[j][c] += pj * g[c];
            dq[c] += ds * keys[j][c];
            dk[j][c] += ds * q[c];
          }
        }
        for (int c = 0; c < d; c++) to_query[row + c] = dq[c] * scale;
      }
      for (int j = 0; j < t; j++) {
        memcpy(to_key + at + (long)j * width, dk[j], d * sizeof(float));
        memcpy(to_value + at + (long)j * width, dv[j], d * sizeof(float));
      }
    }
}

// The normal distribution's function at x and its density (Abramowitz and Stegun 7.1.26, 1.5e-7).
static inline float below(float x, float density) {
  float z = fabsf(x) * 0.70710678f, t = 1.0f / (1.0f + 0.3275911f * z);
  float tail = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t * density * 1.2533141373f;
  return x < 0 ? tail : 1.0f - tail;
}

// x [rows, 2 n] to out [rows, n]: the first half times the GELU of the second.
void geglu_forward(long rows, int n, const float *x, float *out) {
  for (long r = 0; r < rows; r++) {
    const float *a = x + r * 2 * n, *g = a + n;
    float *y = out + r * n;
    for (int c = 0; c < n; c++) y[c] = a[c] * g[c] * below(g[c], 0.39894228f * exponential(-0.5f * g[c] * g[c]));
  }
}

void geglu_backward(long rows, int n, const float *x, const float *grad, float *to_x) {
  for (long r = 0; r < rows; r++) {
    const float *a = x + r * 2 * n, *g = a + n, *dy = grad + r * n;
    float *da = to_x + r * 2 * n, *dg = da + n;
    for (int c = 0; c < n; c++) {
      float density = 0.39894228f * exponential(-0.5f * g[c] * g[c]), part = below(g[c], density);
      da[c] = dy[c] * g[c] * part;
      dg[c] = dy[c] * a[c] * (part + g[c] * density);
    }
  }
}
