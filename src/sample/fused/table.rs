//! A plan as a table of numbers for the kernel: the operations of a pixel, with places worked out for every row of the rings.

use super::operation::{TooWide, Words};
use super::softmax::CHUNK_VALUES;
use super::words::{COUNT, DRAW_CHUNKS, DRAW_HIGHEST, DRAW_LEVEL, NONE, OPERATION, PART, SEGMENTS, SHARED, Shape};
use crate::sample::layout::{At, Layout};
use crate::sample::plan::{Place, Plan};
use crate::sample::program::Program;

/// Values of workgroup memory in use at most: every WebGPU has 16 KiB.
const SHARED_VALUES: usize = 4096;

/// A plan for the kernel.
pub struct Table {
    /// Operations and segments of all rows of the rings.
    pub words: Vec<u32>,
    /// Word of the first operation of a pixel, by row modulo the number of these.
    rows: Vec<[u32; 2]>,
    /// Kernels: of the row, and of its scans where there are any.
    pub row: Shape,
    /// Of its scans.
    pub scan: Option<Shape>,
    /// Scans.
    pub scans: u32,
}

impl Table {
    /// The table of `plan`, whose values stand as `layout` says, for workgroups of `threads`.
    ///
    /// # Errors
    /// When the network is too wide.
    pub fn new(plan: &Plan, layout: &Layout, threads: usize) -> Result<Self, TooWide> {
        // Once to see how much room sums need, and again with places for them.
        let (rough, [operations, scan_operations]) = Room::default().words(plan, layout, 0)?;
        let room = Room::new(plan, rough.operations());
        let (mut words, mut rows) = (Vec::new(), Vec::new());
        for y in 0..layout.phases(plan.config.height) {
            let (row, _) = room.words(plan, layout, y)?;
            rows.push([words.len() as u32, (words.len() + operations * OPERATION) as u32]);
            row.write(&mut words);
        }
        let config = &plan.config;
        let shape = Shape {
            threads,
            width: config.width,
            channels: config.channels,
            levels: usize::from(config.levels),
            operations,
            shared: room.values,
            partials: room.partials,
            unfinished: room.unfinished,
            softmax: room.softmax,
            chunks: room.chunks,
            image: layout.length(),
            scan: false,
            truncates: false,
            contract: false,
        };
        let count = plan.scans.len();
        // The layers are alike, and so are their scans.
        let of_a_scan = scan_operations / count.max(1);
        assert_eq!(of_a_scan * count, scan_operations, "scans of unequal lengths");
        let scan = (count > 0).then_some(Shape { operations: of_a_scan, scan: true, ..shape });
        Ok(Self { words, rows, row: shape, scan, scans: count as u32 })
    }

    /// Words of the first operation of row `y`, and of the scans that follow it.
    pub fn first_operations(&self, y: usize) -> [u32; 2] {
        self.rows[y % self.rows.len()]
    }
}

/// What stands where in workgroup memory.
#[derive(Default)]
struct Room {
    values: usize,
    partials: usize,
    unfinished: usize,
    softmax: usize,
    chunks: usize,
    /// Of each slot, where there is room for it; the others are kept with the image.
    slots: Vec<Option<usize>>,
}

impl Room {
    fn new(plan: &Plan, operations: &[[u32; OPERATION]]) -> Self {
        let levels = usize::from(plan.config.levels);
        let sums = operations.iter().filter(|operation| operation[SEGMENTS] > 0);
        let partials = sums.clone().map(|operation| (operation[COUNT] * operation[SEGMENTS]) as usize);
        let mut room = Self { unfinished: partials.max().unwrap_or(0), ..Self::default() };
        let unfinished = sums.filter(|operation| operation[PART] == NONE).map(|operation| operation[COUNT] as usize);
        room.softmax = room.unfinished + unfinished.max().unwrap_or(0);
        room.chunks = room.softmax + if levels > 2 { 2 * levels } else { 0 };
        room.values = room.chunks + CHUNK_VALUES;
        for slot in &plan.slots {
            let fits = slot.rows == 0 && room.values + slot.features <= SHARED_VALUES;
            room.slots.push(fits.then_some(room.values));
            room.values += if fits { slot.features } else { 0 };
        }
        room
    }

    /// The operations of a pixel of row `y`, and of all scans behind it; and how many there are of either.
    fn words(&self, plan: &Plan, layout: &Layout, y: usize) -> Result<(Words, [usize; 2]), TooWide> {
        let shared = |start: usize| At { start: start + SHARED as usize, column: 0 };
        let unfinished = shared(self.unfinished);
        let program = Program::new(plan, |slot, from: Place| match self.slots.get(slot) {
            Some(Some(start)) => shared(*start),
            _ => layout.at(slot, from, y),
        });
        let mut words = Words::default();
        let kinds = [DRAW_HIGHEST, DRAW_CHUNKS, DRAW_LEVEL];
        let kinds = if plan.config.levels > 2 { &kinds[..] } else { &kinds[2..] };
        for (channel, ops) in program.channels.iter().enumerate() {
            ops.iter().try_for_each(|op| words.push(&program, op, unfinished))?;
            words.push_draw(kinds, channel, program.logits[channel], program.input.feature(channel));
        }
        let row = words.operations().len();
        program.scans.iter().flatten().try_for_each(|op| words.push(&program, op, unfinished))?;
        let scans = words.operations().len() - row;
        Ok((words, [row, scans]))
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::super::words::{ADD, ALSO, CELLS, CELLS_TO, FIRST_SEGMENT, KIND, PLACE, SEGMENT_WORDS, TO};
    use super::*;
    use crate::model::{Model, ModelConfig, Network};
    use burn::tensor::Device;

    /// What a kernel would read and write without being asked.
    #[test]
    fn every_place_is_one_of_the_image_s_or_the_workgroup_s() {
        for (network, (channels, levels, h)) in
            Network::ALL.into_iter().flat_map(|n| [(1, 2, 5), (1, 2, 100), (3, 256, 130)].map(|case| (n, case)))
        {
            let [height, width] = [3, 4];
            let tiny = ModelConfig::tiny(network, channels, levels, [height, width]);
            let config = ModelConfig { layers: 2, h, head: 20, ..tiny };
            let model = Model::init(&config, &Device::flex()).expect("a good configuration");
            let plan = Plan::new(&config, model.net());
            let layout = Layout::new(&plan);
            let table = Table::new(&plan, &layout, 32).expect("room");
            assert!(table.row.shared <= SHARED_VALUES, "{config:?}");
            // Where a draw keeps a value a level.
            assert!(table.row.levels == 2 || table.row.unfinished >= table.row.levels, "{config:?}");
            for y in 0..height {
                let [row, scan] = table.first_operations(y).map(|word| word as usize);
                let mut operations = vec![(row, table.row.operations)];
                if let Some(shape) = table.scan {
                    operations.push((scan, shape.operations * table.scans as usize));
                }
                for k in operations.iter().flat_map(|&(first, count)| (0..count).map(move |k| first + k * OPERATION)) {
                    let op = &table.words[k..k + OPERATION];
                    let check = |at: usize, column: usize, length: usize| {
                        let last = at + (width - 1) * column + length;
                        let end =
                            if at >= SHARED as usize { SHARED as usize + table.row.shared } else { layout.length() };
                        assert!(last <= end, "{config:?}, row {y}, kind {}: {at} {column} {length}", op[KIND]);
                    };
                    let count = if op[KIND] == CELLS { op[COUNT] / 4 } else { op[COUNT] } as usize;
                    for place in [ADD, ALSO, TO, CELLS_TO].into_iter().filter(|&place| op[place] != NONE) {
                        let length = if op[KIND] > CELLS { 1 } else { count };
                        check(op[place] as usize, op[place + PLACE] as usize, length);
                    }
                    for segment in 0..op[SEGMENTS] as usize {
                        let segment = &table.words[op[FIRST_SEGMENT] as usize + segment * SEGMENT_WORDS..];
                        check(segment[0] as usize, segment[1] as usize, segment[2] as usize);
                        let (count, inputs) = (op[COUNT] as usize, segment[5] as usize);
                        let weights = count.next_multiple_of(4) * (inputs + 1);
                        assert!(segment[4] as usize + weights <= plan.weights.len(), "{config:?}, row {y}");
                        assert!((segment[6] + segment[2]) as usize <= inputs + 1, "{config:?}, row {y}");
                    }
                }
            }
        }
    }
}
