//! A plan as a table of numbers for the kernel: the operations of a pixel, with places worked out for every row of the rings.

use super::operation::{Ahead, Words};
use super::softmax::softmax_values;
use super::words::{
    BLOCK, CELLS, COUNT, DRAW_ABOVE, DRAW_HIGHEST, DRAW_KEPT, DRAW_LEVEL, DRAW_SUMS, DRAW_WEIGHTS, FIRST_SEGMENT, KIND,
    NONE, OPERATION, PART, PART_SEGMENTS, PART_WORDS, PARTIALS, PARTS, SEGMENT_WORDS, SEGMENTS, SHARED, Shape,
    UNROLLED,
};
use super::workgroup::{LEAST_MEMORY, Workgroup};
use crate::sample::draw::CHUNK;
use crate::sample::layout::{At, Layout};
use crate::sample::plan::{LANES, PANEL, Pass, Place, Plan, Step, Sums};
use crate::sample::program::Program;

/// Most sums of segments before they are added up, those of all images: more are made in several operations.
const MOST_PARTIALS: usize = 1536;

/// A plan for the kernel.
pub struct Table {
    /// Operations and segments of all rows of the rings.
    pub words: Vec<u32>,
    /// By row modulo the number of these, the word of the first operation of a pixel, of the scans, and of what is made ahead of
    /// either.
    rows: Vec<[u32; 4]>,
    /// Kernels: of the row, and of its scans where there are any.
    pub row: Shape,
    /// Of its scans.
    pub scan: Option<Shape>,
    /// Scans.
    pub scans: u32,
    /// Operations of a pixel, without scans and in one of these.
    operations: [usize; 2],
    /// Those made ahead of a row, and of all scans over it.
    ahead: [usize; 2],
    /// Values of an image: what its layout says, and the sums made ahead.
    pub values: usize,
}

impl Table {
    /// The table of `plan`, whose values stand as `layout` says, for such workgroups, and for draws that may leave out levels where
    /// it `truncates`.
    pub fn new(plan: &Plan, layout: &Layout, workgroup: Workgroup, truncates: bool) -> Self {
        let most = steps(plan).filter_map(Step::sums).flat_map(|sums| &sums.outputs).map(|outputs| outputs.len()).max();
        let room = MOST_PARTIALS / workgroup.images;
        let split = workgroup.split && most.is_none_or(|outputs| outputs.next_multiple_of(BLOCK) <= room);
        let room = Room { partials: split.then_some(room), truncates, ..Room::default() };
        // Once to see how much room sums need, and again with places for them.
        let rough = room.row(plan, layout, workgroup, 0);
        let room = room.with(plan, workgroup, rough.words.operations());
        let RowWords { operations: [operations, scan_operations], ahead_operations, ahead, .. } =
            room.row(plan, layout, workgroup, 0);
        let (mut words, mut rows) = (Vec::new(), Vec::new());
        for y in 0..layout.phases(plan.config.height) {
            let row = room.row(plan, layout, workgroup, y);
            let first = words.len();
            row.words.write(&mut words);
            let first_ahead = words.len();
            row.ahead.words.write(&mut words);
            let scan = first + operations * OPERATION;
            let scan_ahead = first_ahead + ahead_operations[0] * OPERATION;
            rows.push([first, scan, first_ahead, scan_ahead].map(|word| word as u32));
        }
        let config = &plan.config;
        let shape = Shape {
            threads: workgroup.threads,
            images: workgroup.images,
            images_a_thread: workgroup.images_a_thread,
            split,
            ahead: workgroup.ahead,
            levels: usize::from(config.levels),
            // Not as little as may be: networks nearly alike have one kernel.
            shared: room.values.next_multiple_of(LEAST_MEMORY).min(workgroup.memory),
            features: room.features,
            draws: room.draws,
            softmax: room.softmax,
            scan: false,
            truncates,
            contract: false,
        };
        let count = plan.scans.len();
        // The layers are alike, and so are their scans.
        let of_a_scan = scan_operations / count.max(1);
        assert_eq!(of_a_scan * count, scan_operations, "scans of unequal lengths");
        let scan = (count > 0).then_some(Shape { scan: true, truncates: false, ..shape });
        Self {
            words,
            rows,
            row: shape,
            scan,
            scans: count as u32,
            operations: [operations, of_a_scan],
            ahead: ahead_operations,
            values: ahead.end(),
        }
    }

    /// Word of the first operation of row `y`, or of the scans that follow it.
    pub fn first_operation(&self, shape: &Shape, y: usize) -> u32 {
        self.rows[y % self.rows.len()][usize::from(shape.scan)]
    }

    /// That of what is made ahead of it.
    pub fn first_ahead(&self, shape: &Shape, y: usize) -> u32 {
        self.rows[y % self.rows.len()][2 + usize::from(shape.scan)]
    }

    /// Operations that are made ahead of the row, or of all scans.
    pub fn ahead(&self, shape: &Shape) -> usize {
        self.ahead[usize::from(shape.scan)]
    }

    /// Threads that make these at so many columns, for the images of a workgroup.
    pub fn ahead_threads(&self, shape: &Shape, columns: usize) -> usize {
        let first = self.first_ahead(shape, 0) as usize;
        let operations = self.words[first..].chunks_exact(OPERATION).take(self.ahead(shape));
        let blocks = operations.map(|op| (op[COUNT] as usize).div_ceil(BLOCK)).max();
        blocks.unwrap_or(0) * columns * (shape.images / shape.images_a_thread)
    }

    /// Operations of a pixel that a kernel goes through.
    pub fn operations(&self, shape: &Shape) -> usize {
        self.operations[usize::from(shape.scan)]
    }

    /// Rounds of loops that a thread of a kernel makes at a pixel, at most.
    pub fn rounds(&self, shape: &Shape) -> usize {
        let first = self.first_operation(shape, 0) as usize;
        let operations = self.words[first..].chunks_exact(OPERATION).take(self.operations(shape));
        operations.map(|op| 2 + self.rounds_of(op, shape)).sum()
    }

    /// Those of an operation. Mesa goes through what is not asked for too, with no thread taking part: so a loop has a round more
    /// than it needs, one at least, and every round goes through all loops inside it.
    fn rounds_of(&self, op: &[u32], shape: &Shape) -> usize {
        let (kind, lanes, draws) = (op[KIND], shape.images / shape.images_a_thread, shape.draws);
        let (blocks, chunks) = ((op[COUNT] as usize).div_ceil(BLOCK), shape.levels.div_ceil(CHUNK));
        let asked = |own: bool, items: usize| if own { 1 + items.div_ceil(shape.threads) } else { 1 };
        // Two loops for either memory.
        let length = |segment: &[u32]| 6 + segment[2] as usize / UNROLLED + segment[2] as usize % UNROLLED;
        let segments = self.words[op[FIRST_SEGMENT] as usize..].chunks_exact(SEGMENT_WORDS);
        let lengths = segments.take(op[SEGMENTS] as usize).map(length);
        let mut rounds = 0;
        let of_parts = if shape.split {
            let segments = op[SEGMENTS] as usize;
            rounds += asked(kind == PARTIALS, blocks * segments * lanes) * (1 + lengths.max().unwrap_or(6));
            let partials: u32 = op[PART..].chunks_exact(PART_WORDS).take(PARTS).map(|part| part[PART_SEGMENTS]).sum();
            2 * (PARTS + 1) + partials as usize
        } else {
            6 * (PARTS + 1) + lengths.sum::<usize>()
        };
        rounds += asked(kind <= CELLS, blocks * lanes) * (2 + of_parts + shape.images_a_thread);
        if shape.scan {
            return rounds;
        }
        let draw = |own: u32, items: usize, inner: usize, loops: usize| {
            if kind == own { (1 + items.div_ceil(shape.threads)) * (1 + inner) } else { 1 + loops }
        };
        if shape.levels > 2 {
            // The loops over chunks and over their levels.
            rounds += draw(DRAW_HIGHEST, chunks * draws, 1 + CHUNK, 1);
            rounds += draw(DRAW_WEIGHTS, shape.levels * draws, 1 + chunks, 1);
            rounds += draw(DRAW_SUMS, chunks * draws, 3 + chunks + 2 * CHUNK, 3);
        }
        if shape.levels > 2 && shape.truncates {
            rounds += draw(DRAW_ABOVE, shape.levels * draws, 1 + chunks, 1);
            rounds += draw(DRAW_KEPT, chunks * draws, 2 + chunks + CHUNK, 2);
        }
        // Five rounds of the uniform number; the sum at temperature 1, the highest logit, and twice the chunks to pick.
        let level = if shape.levels > 2 { 6 + 4 * (1 + chunks) + 1 + CHUNK } else { 6 };
        rounds + draw(DRAW_LEVEL, draws, level, 6)
    }
}

fn steps(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().chain(plan.scans.iter().flatten())
}

/// The weights of a plan in the kernel's order: of each pass a row of biases, then a row for each input, all outputs side by side
/// in blocks of [`BLOCK`]. The gates of a cell are such a block.
pub fn weights(plan: &Plan) -> Vec<f32> {
    let mut weights = vec![0.0; plan.weights.len()];
    for step in steps(plan) {
        let Some(Sums { terms, outputs, .. }) = step.sums() else { continue };
        let cells = matches!(step, Step::Lstm { .. });
        for (group, outputs) in outputs.iter().enumerate() {
            for term in terms {
                reorder(&term.passes[group], outputs.len(), cells, &plan.weights, &mut weights);
            }
        }
    }
    weights
}

/// Puts the weights of a pass to where they stand for the kernel.
fn reorder(pass: &Pass, count: usize, cells: bool, from: &[f32], to: &mut [f32]) {
    let (rows, blocks) = (pass.inputs() + 1, count.div_ceil(BLOCK));
    for output in 0..count {
        let panel = output / PANEL * PANEL;
        let width = PANEL.min((count - panel).next_multiple_of(LANES));
        let (block, place) = if cells { (output % blocks, output / blocks) } else { (output / BLOCK, output % BLOCK) };
        for row in 0..rows {
            to[pass.weights + (row * blocks + block) * BLOCK + place] =
                from[pass.weights + panel * rows + row * width + output % PANEL];
        }
    }
}

/// What stands where in workgroup memory.
#[derive(Clone, Default)]
struct Room {
    values: usize,
    /// Sums of segments of an image that there is room for, where they are made apart.
    partials: Option<usize>,
    features: usize,
    draws: usize,
    softmax: usize,
    truncates: bool,
    /// Of each slot, where there is room for it; the others are kept with the image.
    slots: Vec<Option<usize>>,
}

impl Room {
    fn with(self, plan: &Plan, workgroup: Workgroup, operations: &[[u32; OPERATION]]) -> Self {
        let (levels, Workgroup { images, memory, .. }) = (usize::from(plan.config.levels), workgroup);
        let mut room = self;
        // Of many levels as many images at once as leave most of the memory to features.
        room.softmax = if levels > 2 { softmax_values(levels, room.truncates) } else { 0 };
        let at_once = (memory * 3 / 8).checked_div(room.softmax).unwrap_or(images).clamp(1, images);
        room.draws = 1 << at_once.ilog2();
        room.features = room.partials.map_or(0, |partials| partials * images).max(room.draws * room.softmax);
        let unfinished = operations.iter().filter(|operation| (SHARED..NONE).contains(&operation[PART]));
        let mut features =
            unfinished.map(|operation| operation[COUNT].next_multiple_of(BLOCK as u32)).max().unwrap_or(0) as usize;
        let gates = |slot| steps(plan).any(|step| matches!(step, Step::Lstm { gates, .. } if gates.to == slot));
        for (k, slot) in plan.slots.iter().enumerate() {
            let fits = room.features + (features + slot.features) * images <= memory;
            // Gates are kept only where they are made in several operations.
            let fits = fits && slot.rows == 0 && (room.partials.is_some() || !gates(k));
            room.slots.push(fits.then_some(features));
            features += if fits { slot.features } else { 0 };
        }
        room.values = room.features + features * images;
        room
    }

    /// The operations of row `y`, and of all scans behind it.
    fn row(&self, plan: &Plan, layout: &Layout, workgroup: Workgroup, y: usize) -> RowWords {
        let shared = |start: usize| At { start: start + SHARED as usize, column: 0 };
        let unfinished = shared(0);
        let program = Program::new(plan, |slot, from: Place| match self.slots.get(slot) {
            Some(Some(start)) => shared(*start),
            _ => layout.at(slot, from, y),
        });
        let mut words = Words::new(self.partials);
        let mut ahead = Ahead::new(workgroup.ahead, layout.length(), plan.config.width);
        let kinds: &[u32] = match (plan.config.levels, self.truncates) {
            (2, _) => &[DRAW_LEVEL],
            (_, false) => &[DRAW_HIGHEST, DRAW_WEIGHTS, DRAW_SUMS, DRAW_LEVEL],
            (_, true) => &[DRAW_HIGHEST, DRAW_WEIGHTS, DRAW_SUMS, DRAW_ABOVE, DRAW_KEPT, DRAW_LEVEL],
        };
        for (channel, ops) in program.channels.iter().enumerate() {
            ops.iter().for_each(|op| words.push(&program, op, unfinished, &mut ahead));
            for first_image in (0..workgroup.images).step_by(self.draws.max(1)) {
                words.push_draw(kinds, channel, first_image, program.logits[channel], program.input.feature(channel));
            }
        }
        let [row, row_ahead] = [&words, &ahead.words].map(|words| words.operations().len());
        program.scans.iter().flatten().for_each(|op| words.push(&program, op, unfinished, &mut ahead));
        let operations = [row, words.operations().len() - row];
        let ahead_operations = [row_ahead, ahead.words.operations().len() - row_ahead];
        RowWords { words, operations, ahead, ahead_operations }
    }
}

/// The operations of a row.
struct RowWords {
    words: Words,
    /// Those of a pixel, and of all scans.
    operations: [usize; 2],
    ahead: Ahead,
    /// The same of those made ahead.
    ahead_operations: [usize; 2],
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::super::words::{ADD, ALSO, BIAS, CELLS_TO, PLACE, TO};
    use super::super::workgroup::Adapter;
    use super::*;
    use crate::model::{Model, ModelConfig, Network};
    use burn::tensor::Device;

    /// What is compiled for one network serves the next: compiling takes a browser up to seconds.
    #[test]
    fn networks_share_their_kernels() {
        for images in [0, 2, 4] {
            let shapes =
                Network::ALL.into_iter().flat_map(|network| [5, 16].map(|h| (network, h))).map(|(network, h)| {
                    let tiny = ModelConfig::tiny(network, 1, 2, [3, 4 + h]);
                    let config = ModelConfig { layers: 3, h, head: 20, ..tiny };
                    let model = Model::init(&config, 1, &Device::flex()).expect("a good configuration");
                    let plan = Plan::new(&config, model.net());
                    Table::new(&plan, &Layout::new(&plan), Adapter::LEAST.workgroup_of(images), false).row
                });
            let mut shapes: Vec<_> = shapes.collect();
            shapes.dedup();
            assert_eq!(shapes.len(), 1, "{images}: {shapes:?}");
        }
    }

    /// What a kernel would read and write without being asked.
    #[test]
    fn every_place_is_one_of_the_image_s_or_the_workgroup_s() {
        let cases = [(1, 2, 5), (1, 2, 100), (3, 256, 130)].into_iter().flat_map(|case| [0, 2, 4].map(|n| (case, n)));
        let cases = cases.flat_map(|case| [false, true].map(|truncates| (case, truncates)));
        for (network, (((channels, levels, h), images), truncates)) in
            Network::ALL.into_iter().flat_map(|network| cases.clone().map(move |case| (network, case)))
        {
            let [height, width] = [3, 4];
            let tiny = ModelConfig::tiny(network, channels, levels, [height, width]);
            let config = ModelConfig { layers: 2, h, head: 20, ..tiny };
            let model = Model::init(&config, 1, &Device::flex()).expect("a good configuration");
            let plan = Plan::new(&config, model.net());
            let layout = Layout::new(&plan);
            let workgroup = Adapter::LEAST.workgroup_of(images);
            let table = Table::new(&plan, &layout, workgroup, truncates);
            assert!(table.row.shared <= workgroup.memory, "{config:?}");
            let of_an_image = (table.row.shared - table.row.features) / workgroup.images;
            for y in 0..height {
                let mut operations = Vec::new();
                for (shape, count) in
                    [(table.row, 1)].into_iter().chain(table.scan.map(|shape| (shape, table.scans as usize)))
                {
                    operations.push((table.first_operation(&shape, y), table.operations(&shape) * count));
                    operations.push((table.first_ahead(&shape, y), table.ahead(&shape)));
                }
                let operations = operations.into_iter().map(|(first, count)| (first as usize, count));
                for k in operations.flat_map(|(first, count)| (0..count).map(move |k| first + k * OPERATION)) {
                    let op = &table.words[k..k + OPERATION];
                    let check = |at: usize, column: usize, length: usize| {
                        let last = at + (width - 1) * column + length;
                        let end = if at >= SHARED as usize { SHARED as usize + of_an_image } else { table.values };
                        assert!(last <= end, "{config:?}, row {y}, kind {}: {at} {column} {length}", op[KIND]);
                    };
                    let count = if op[KIND] == CELLS { op[COUNT] / 4 } else { op[COUNT] } as usize;
                    for place in [ADD, ALSO, TO, CELLS_TO].into_iter().filter(|&place| op[place] != NONE) {
                        let length = if op[KIND] > PARTIALS { 1 } else { count };
                        check(op[place] as usize, op[place + PLACE] as usize, length);
                    }
                    let parts = op[PART..].chunks_exact(PART_WORDS).take(PARTS).filter(|part| part[0] != NONE);
                    for part in parts.filter(|part| part[PLACE] != BIAS) {
                        check(part[0] as usize, part[PLACE] as usize, (op[COUNT] as usize).next_multiple_of(BLOCK));
                    }
                    for segment in 0..op[SEGMENTS] as usize {
                        let segment = &table.words[op[FIRST_SEGMENT] as usize + segment * SEGMENT_WORDS..];
                        check(segment[0] as usize, segment[1] as usize, segment[2] as usize);
                        let blocks = (op[COUNT] as usize).div_ceil(BLOCK);
                        let weights = segment[4] as usize + segment[2] as usize * blocks;
                        assert!(weights * BLOCK <= plan.weights.len(), "{config:?}, row {y}");
                        // Other threads still read while one writes.
                        if op[KIND] != PARTIALS && segment[1] == op[TO + PLACE] {
                            let [from, to] = [(segment[0], segment[2]), (op[TO], count as u32)];
                            let apart = from.0 + from.1 <= to.0 || to.0 + to.1 <= from.0;
                            assert!(apart, "{config:?}, row {y}: {from:?} {to:?}");
                        }
                    }
                }
            }
        }
    }
}
