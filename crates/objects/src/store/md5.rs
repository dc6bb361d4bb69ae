//! MD5 of one stream, or of several side by side.
//!
//! MD5 is the larger half of what a PUT costs: each of its steps waits for the one before, so a core computes one sum
//! at 600 MB/s and is idle half the time. Four streams in the four lanes of a vector register take little longer than
//! one (measured: 2.5 times the bytes a second). The lanes are plain arrays that the compiler turns into vector
//! instructions; eight of them no longer fit the registers and are slower than four.

use md5::block_api::compress;

const BLOCK_BYTES: usize = 64;
/// Most streams that are worth summing together.
pub(super) const LANES: usize = 4;

/// RFC 1321, section 3.3.
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The sum of a stream so far.
pub(super) struct Md5 {
    state: [u32; 4],
    size_bytes: u64,
    /// What came after the last whole block, in its first `size_bytes % 64` bytes.
    rest: [u8; BLOCK_BYTES],
}

impl Md5 {
    pub(super) fn new() -> Self {
        Self { state: START, size_bytes: 0, rest: [0; BLOCK_BYTES] }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        update_together(&mut [(self, bytes)]);
    }

    pub(super) fn finish(mut self) -> [u8; 16] {
        let size_bits = self.size_bytes.wrapping_mul(8);
        let used = self.used();
        let zeros = if used < 56 { 55 - used } else { 119 - used };
        let mut padding = [0; 2 * BLOCK_BYTES];
        padding[0] = 0x80;
        padding[1 + zeros..][..8].copy_from_slice(&size_bits.to_le_bytes());
        self.update(&padding[..1 + zeros + 8]);
        assert!(self.used() == 0, "padded to whole blocks");
        let mut sum = [0; 16];
        for (bytes, word) in sum.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        sum
    }

    fn used(&self) -> usize {
        (self.size_bytes % BLOCK_BYTES as u64) as usize
    }

    /// Takes what completes a block begun before, or all when that is too little; the other bytes are returned.
    fn top_up<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let used = self.used();
        if used == 0 {
            return bytes;
        }
        let (first, others) = bytes.split_at(bytes.len().min(BLOCK_BYTES - used));
        self.rest[used..used + first.len()].copy_from_slice(first);
        self.size_bytes += first.len() as u64;
        if self.used() == 0 {
            compress(&mut self.state, &[self.rest]);
        }
        others
    }
}

/// Each stream takes its bytes.
pub(super) fn update_together(streams: &mut [(&mut Md5, &[u8])]) {
    let mut lanes = Vec::with_capacity(streams.len());
    for (md5, bytes) in streams {
        let bytes = md5.top_up(bytes);
        let (blocks, rest) = bytes.as_chunks();
        if !bytes.is_empty() {
            assert!(md5.used() == 0, "at the start of a block");
            md5.rest[..rest.len()].copy_from_slice(rest);
            md5.size_bytes += bytes.len() as u64;
        }
        lanes.push((&mut md5.state, blocks));
    }
    lanes.retain(|(_, blocks)| !blocks.is_empty());
    while !lanes.is_empty() {
        match lanes.as_mut_slice() {
            // Without optimisation lanes are no gain.
            [a, b, c, d, ..] if !cfg!(debug_assertions) => compress_lanes([a, b, c, d]),
            [a, b, ..] if !cfg!(debug_assertions) => compress_lanes([a, b]),
            [(state, blocks), ..] => {
                compress(state, blocks);
                *blocks = &[];
            }
            [] => unreachable!("checked above"),
        }
        lanes.retain(|(_, blocks)| !blocks.is_empty());
    }
}

/// One stream's state and its blocks still to come.
type Lane<'l, 'b> = (&'l mut [u32; 4], &'b [[u8; BLOCK_BYTES]]);
/// The same word of each lane.
type Words<const N: usize> = [u32; N];

/// Takes as many blocks of each lane as the shortest has.
fn compress_lanes<const N: usize>(lanes: [&mut Lane<'_, '_>; N]) {
    let count = lanes.iter().map(|(_, blocks)| blocks.len()).min().expect("there are lanes");
    let mut state: [Words<N>; 4] = std::array::from_fn(|word| std::array::from_fn(|lane| lanes[lane].0[word]));
    let inputs: [&[[u8; BLOCK_BYTES]]; N] = std::array::from_fn(|lane| &lanes[lane].1[..count]);
    for at in 0..count {
        let mut words = [[0; N]; 16];
        for (lane, input) in inputs.iter().enumerate() {
            for (word, bytes) in input[at].as_chunks().0.iter().enumerate() {
                words[word][lane] = u32::from_le_bytes(*bytes);
            }
        }
        compress_block(&mut state, &words);
    }
    for (lane, (its_state, blocks)) in lanes.into_iter().enumerate() {
        **its_state = std::array::from_fn(|word| state[word][lane]);
        *blocks = &blocks[count..];
    }
}

/// RFC 1321, section 3.4, in each lane.
#[inline(always)]
fn compress_block<const N: usize>(state: &mut [Words<N>; 4], words: &[Words<N>; 16]) {
    let before = *state;
    // Written out by the macro, so that every index is a constant and the state stays in registers.
    macro_rules! round {
        ($round:literal: $($step:literal)*) => { $(step::<N, $round, $step>(state, words);)* };
    }
    round!(0: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    round!(1: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    round!(2: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    round!(3: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for (now, before) in state.iter_mut().zip(before) {
        for (now, before) in now.iter_mut().zip(before) {
            *now = now.wrapping_add(before);
        }
    }
}

#[inline(always)]
fn step<const N: usize, const ROUND: usize, const STEP: usize>(state: &mut [Words<N>; 4], words: &[Words<N>; 16]) {
    const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let at = ROUND * 16 + STEP;
    let word = match ROUND {
        0 => STEP,
        1 => (5 * STEP + 1) % 16,
        2 => (3 * STEP + 5) % 16,
        _ => 7 * STEP % 16,
    };
    // The four words of the state change their roles with each step.
    let [a, b, c, d] = [0, 1, 2, 3].map(|role| (64 + role - at) % 4);
    for lane in 0..N {
        let (b, c, d) = (state[b][lane], state[c][lane], state[d][lane]);
        let mixed = match ROUND {
            0 => d ^ (b & (c ^ d)),
            1 => c ^ (d & (b ^ c)),
            2 => b ^ c ^ d,
            _ => c ^ (b | !d),
        };
        let sum = state[a][lane].wrapping_add(words[word][lane].wrapping_add(SINES[at])).wrapping_add(mixed);
        state[a][lane] = b.wrapping_add(sum.rotate_left(ROTATIONS[ROUND][STEP % 4]));
    }
}

/// The table T of RFC 1321: 2^32 times the absolute sine of 1 to 64.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

#[cfg(test)]
mod tests {
    use md5::Digest as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sines_are_sines() {
        for (at, sine) in SINES.iter().enumerate() {
            assert_eq!(*sine, (((at + 1) as f64).sin().abs() * 4_294_967_296.0) as u32);
        }
    }

    fn lanes_agree<const N: usize>(blocks: [Vec<[u8; BLOCK_BYTES]>; N]) {
        let mut expected = [START; N];
        let mut states = [START; N];
        let count = blocks.iter().map(Vec::len).min().expect("some");
        for (state, blocks) in expected.iter_mut().zip(&blocks) {
            compress(state, &blocks[..count]);
        }
        let mut lanes: Vec<Lane<'_, '_>> =
            states.iter_mut().zip(&blocks).map(|(state, blocks)| (state, blocks.as_slice())).collect();
        let mut lanes = lanes.iter_mut();
        compress_lanes::<N>(std::array::from_fn(|_| lanes.next().expect("as many")));
        assert_eq!(states, expected);
    }

    proptest! {
        /// Also where the usual path avoids them, as in this build.
        #[test]
        fn lanes_are_the_same_as_one_by_one(seed in any::<[u8; 32]>(), lengths in prop::array::uniform4(1usize..6)) {
            let block = |lane: usize, at: usize| std::array::from_fn(|byte| seed[(lane * 7 + at * 3 + byte) % 32] ^ byte as u8);
            let blocks = |lane: usize| (0..lengths[lane]).map(|at| block(lane, at)).collect::<Vec<_>>();
            lanes_agree([blocks(0), blocks(1), blocks(2), blocks(3)]);
            lanes_agree([blocks(0), blocks(1)]);
        }

        #[test]
        fn streams_in_any_pieces_have_their_sums(streams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..7), cut in 1usize..200) {
            let mut sums: Vec<_> = streams.iter().map(|_| Md5::new()).collect();
            for at in 0..400_usize.div_ceil(cut) {
                let piece = |stream: &Vec<u8>| stream[(at * cut).min(stream.len())..((at + 1) * cut).min(stream.len())].to_vec();
                let pieces: Vec<_> = streams.iter().map(piece).collect();
                let mut together: Vec<_> = sums.iter_mut().zip(&pieces).map(|(md5, piece)| (md5, piece.as_slice())).collect();
                update_together(&mut together);
            }
            for (md5, stream) in sums.into_iter().zip(&streams) {
                prop_assert_eq!(md5.finish().to_vec(), md5::Md5::digest(stream).to_vec());
            }
        }
    }
}
