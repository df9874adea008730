// Small kernels of our own: what the machine that runs upstream's must get right, one thing each.
#include <metal_stdlib>

using namespace metal;

// barriers

kernel void meet_at_barriers(
        device const int * in,
        device       int * out,
        threadgroup  int * held [[threadgroup(0)]],
        uint  i [[thread_index_in_threadgroup]],
        uint3 n [[threads_per_threadgroup]]) {
    held[i] = in[i];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    int sum = 0;
    for (uint j = 0; j < n.x; j++) {
        sum += held[j];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    held[i] = sum + int(i);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = held[(i + 1) % n.x];
}

kernel void leave_before_a_barrier(device int * out, uint i [[thread_index_in_threadgroup]]) {
    out[i] = 1;
    if (i >= 40) {
        return;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup); // not reached by all
    out[i] = 2;
}

kernel void wait_at_two_barriers(device int * out, uint i [[thread_index_in_threadgroup]]) {
    if (i < 32) {
        threadgroup_barrier(mem_flags::mem_threadgroup); // one
    } else {
        threadgroup_barrier(mem_flags::mem_threadgroup); // another
    }
    out[i] = 1;
}

// positions: each of them, in words of the output

kernel void positions(
        device uint * out,
        uint3  grid   [[thread_position_in_grid]],
        ushort3 group [[thread_position_in_threadgroup]],
        uint   index  [[thread_index_in_threadgroup]],
        ushort lane   [[thread_index_in_simdgroup]],
        ushort simd   [[simdgroup_index_in_threadgroup]],
        ushort simds  [[simdgroups_per_threadgroup]],
        uint3  at     [[threadgroup_position_in_grid]],
        uint3  groups [[threadgroups_per_grid]],
        uint2  n      [[threads_per_threadgroup]],
        ushort lanes  [[threads_per_simdgroup]]) {
    const uint number = (at.z * groups.y + at.y) * groups.x + at.x;
    device uint * mine = out + (number * 60 + index) * 10;
    mine[0] = grid.x;
    mine[1] = grid.y;
    mine[2] = grid.z;
    mine[3] = group.x + 100 * group.y + 10000 * group.z;
    mine[4] = lane;
    mine[5] = simd;
    mine[6] = simds;
    mine[7] = n.x;
    mine[8] = n.y;
    mine[9] = lanes;
}

// values of a SIMD-group: twelve words for each thread

template <typename T>
static void exchange(T value, device T * mine) {
    mine[0]  = simd_sum(value);
    mine[1]  = simd_min(value);
    mine[2]  = simd_max(value);
    mine[3]  = simd_prefix_inclusive_sum(value);
    mine[4]  = simd_prefix_exclusive_sum(value);
    mine[5]  = simd_shuffle(value, 3);
    mine[6]  = simd_shuffle_xor(value, 5);
    mine[7]  = simd_shuffle_down(value, 2);
    mine[8]  = simd_shuffle_up(value, 2);
    mine[9]  = simd_broadcast(value, 1);
    mine[10] = simd_broadcast_first(value);
    mine[11] = T(simd_any(value > T(90)) + 2 * simd_all(value > T(10)));
}

template <typename T>
kernel void exchange_all(device const T * in, device T * out, uint i [[thread_index_in_threadgroup]]) {
    exchange(in[i], out + 12 * i);
}

template [[host_name("exchange_all_int")]]   kernel void exchange_all<int>  (device const int *,   device int *,   uint);
template [[host_name("exchange_all_float")]] kernel void exchange_all<float>(device const float *, device float *, uint);

kernel void exchange_in_branches(
        device const int * in,
        device       int * out,
        uint   i    [[thread_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    if (lane < 16) {
        exchange(in[i], out + 12 * i);
    } else {
        out[12 * i] = simd_max(in[i]);
    }
    out[12 * i + 1] = simd_sum(in[i]);
}

// lanes leave the loop at different times: in[i] rounds each
kernel void exchange_in_a_loop(device const int * in, device int * out, uint i [[thread_index_in_threadgroup]]) {
    int total = 0;
    for (int round = 0; round < in[i]; round++) {
        total += simd_sum(1);
    }
    out[2 * i]     = total;
    out[2 * i + 1] = simd_sum(total);
}

// half of the lanes have something of their own to do in each round
kernel void exchange_in_a_branch_of_a_loop(
        device int * out,
        uint   i    [[thread_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    int all = 0;
    int some = 0;
    for (int round = 0; round < 4; round++) {
        all += simd_sum(1);
        if (lane < 16) {
            some += simd_sum(1);
        }
    }
    out[2 * i]     = all;
    out[2 * i + 1] = some;
}

static int counted(int value) {
    return value + simd_sum(1);
}

// a function in which lanes meet stands before those that call it, and is called behind a branch
kernel void exchange_in_a_function(
        device int * out,
        uint   i    [[thread_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    int some = 0;
    if (lane < 16) {
        some = simd_sum(1);
    }
    out[2 * i] = counted(some);
    for (int round = 0; round < 4; round++) {
        if (lane == 3 * round) {
            some += counted(100);
        }
    }
    out[2 * i + 1] = some + 1000 * simd_sum(1);
}

// one lane writes what the others read behind it and wrote before it, with no barrier: hardware runs lanes in step
kernel void hand_on(
        device int * out,
        threadgroup int * held [[threadgroup(0)]],
        uint   i    [[thread_index_in_threadgroup]],
        ushort lane [[thread_index_in_simdgroup]]) {
    threadgroup int * mine = held + i - lane;
    for (int round = 0; round < 32; round++) {
        mine[lane] = int(lane) + round;
        if (lane == round) {
            int sum = 0;
            for (int other = 0; other < 32; other++) {
                sum += mine[other];
            }
            mine[0] = sum;
        }
        out[32 * i + round] = mine[0];
    }
}

// matrices: result = transpose(a) b + c, by one SIMD-group

kernel void multiply(device const float * a, device const half * b, device const float * c, device float * out) {
    simdgroup_float8x8 left;
    simdgroup_half8x8  right;
    simdgroup_float8x8 sum;
    simdgroup_load(left, a, 12, ulong2(1, 2), true);
    simdgroup_load(right, b);
    simdgroup_load(sum, c, 8);
    simdgroup_multiply_accumulate(sum, left, right, sum);
    simdgroup_store(sum, out);
    simdgroup_store(sum, out + 64, 8, ulong2(0), true);
    simdgroup_float8x8 product;
    simdgroup_multiply(product, left, make_filled_simdgroup_matrix<float, 8>(2.0f));
    simdgroup_store(product, out + 128);
    simdgroup_store(simdgroup_float8x8(3.0f), out + 192);
}

// memory of the group

template <typename T, int N>
kernel void hold(device const T * in, device T * out, uint i [[thread_index_in_threadgroup]],
                 uint at [[threadgroup_position_in_grid]]) {
    threadgroup T held[N];
    threadgroup T pairs[2][N];
    threadgroup int count;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (i == 0) {
        count = 7;
    }
    held[i] = in[i];
    pairs[1][i] = in[i] * T(2);
    pairs[0][i] = in[i] * T(3);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[at * N + i] = held[N - 1 - i] + pairs[1][N - 1 - i] + pairs[0][i] + T(count) + T(at);
}

template [[host_name("hold_int")]]   kernel void hold<int, 48>  (device const int *,   device int *,   uint, uint);
template [[host_name("hold_float")]] kernel void hold<float, 64>(device const float *, device float *, uint, uint);

kernel void count_up(device atomic_int * out, device atomic_uint * most, uint i [[thread_position_in_grid]]) {
    threadgroup atomic_int mine;
    atomic_fetch_add_explicit(out, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(out + 1, int(i), memory_order_relaxed);
    atomic_fetch_max_explicit(most, i, memory_order_relaxed);
    atomic_store_explicit(&mine, 5, memory_order_relaxed);
    atomic_fetch_sub_explicit(out + 2, atomic_load_explicit(&mine, memory_order_relaxed), memory_order_relaxed);
}

// function constants

constant bool  FC_bool  [[function_constant(10)]];
constant short FC_short [[function_constant(10 + 1)]];
constant int   FC_int   [[function_constant(12)]];
constant uint  FC_other [[function_constant(13)]];

kernel void constants(device int * out) {
    out[0] = FC_bool ? 1 : 2;
    out[1] = FC_short;
    out[2] = FC_int;
}

kernel void constants_beside(device uint * out) {
    out[0] = FC_other;
}

// faults

kernel void write_past(threadgroup int * held [[threadgroup(0)]], constant int & at, uint i [[thread_index_in_threadgroup]]) {
    if (i == 0) {
        held[at] = 1;
    }
}

kernel void write_past_declared(constant int & at, uint i [[thread_index_in_threadgroup]]) {
    threadgroup int mine[16];
    if (i == 0) {
        mine[at] = 1; // into memory of its own
    }
}

kernel void race(device int * out, threadgroup int * held [[threadgroup(0)]], uint i [[thread_index_in_threadgroup]]) {
    held[i] = 0;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    held[i] = int(i); // another one may read this
    out[i] = held[i ^ 32]; // no barrier before this
}

kernel void read_unwritten(device int * out, threadgroup int * held [[threadgroup(0)]], uint i [[thread_index_in_threadgroup]]) {
    if (i != 3) {
        held[i] = 1;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = held[i]; // of 3 nothing was written
}

kernel void out_of_bounds(device const int * in, device int * out, constant int & at, constant bool & writes) {
    if (writes) {
        out[at] = 1; // the write
    } else {
        out[0] = in[at]; // the read
    }
}

// for benchmarks/test_metal.py

kernel void work(device int * out, constant int & rounds, uint i [[thread_index_in_threadgroup]]) {
    int sum = int(i);
    for (int round = 0; round < rounds; round++) {
        sum = sum * 3 + round;
    }
    out[i] = sum;
}

kernel void take_turns(device int * out, constant int & rounds, uint i [[thread_index_in_threadgroup]]) {
    int sum = int(i);
    for (int round = 0; round < rounds; round++) {
        simdgroup_barrier(mem_flags::mem_none);
        sum = sum * 3 + round;
    }
    out[i] = sum;
}
