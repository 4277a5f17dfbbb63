/* The rate of fused multiplications and additions of one core, in 1e9 operations by the second: the peak that no product exceeds.
   cc -O3 -march=native peak.c && ./a.out */
#include <stdio.h>
#include <time.h>

/* Independent sums, enough to hide the time of one; the compiler keeps them in wide registers. */
#define SUMS 12

int main(void) {
#ifdef __AVX512F__
    enum { LANES = 16 };
#else
    enum { LANES = 8 };
#endif
    typedef float own __attribute__((vector_size(LANES * 4)));
    own sums[SUMS], factor, addend;
    for (int i = 0; i < LANES; i++) factor[i] = 1.0000001f, addend[i] = 1e-9f;
    for (int s = 0; s < SUMS; s++) sums[s] = factor;
    double best = 1e9;
    const long repeats = 10000000;
    for (int run = 0; run < 7; run++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (long i = 0; i < repeats; i++) {
            for (int s = 0; s < SUMS; s++) sums[s] = sums[s] * factor + addend;
            __asm__ volatile("" ::: );
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        double seconds = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
        if (seconds < best) best = seconds;
    }
    float total = 0;
    for (int s = 0; s < SUMS; s++)
        for (int i = 0; i < LANES; i++) total += sums[s][i];
    fprintf(stderr, "%f\n", total);
    printf("%.1f\n", 2.0 * LANES * SUMS * repeats / best / 1e9);
    return 0;
}
