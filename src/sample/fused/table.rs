//! A plan as a table of numbers for the kernel: the operations of a pixel, with places worked out for every row of the rings.

use super::room::{Room, Row};
use super::words::{
    BLOCK, CELLS, COUNT, DRAW_ABOVE, DRAW_HIGHEST, DRAW_KEPT, DRAW_LEVEL, DRAW_SUMS, DRAW_WEIGHTS, ENDS, FIRST_SEGMENT,
    ITEMS, KIND, OPERATION, PART, PART_SEGMENTS, PART_WORDS, PARTIALS, PARTS, RECTIFIED, SEGMENT_WORDS, SEGMENTS,
    SHIFT, Shape, UNROLLED,
};
use super::workgroup::{LEAST_MEMORY, Workgroup};
use crate::sample::draw::CHUNK;
use crate::sample::layout::Layout;
use crate::sample::plan::{LANES, PANEL, Pass, Plan, Step, Sums};

/// A plan for the kernel.
pub struct Table {
    /// Operations and segments of all rows of the rings.
    pub words: Vec<u32>,
    /// By row modulo the number of these: the word of the first operation of a pixel, of what is made ahead of it, and of the
    /// [`FETCH`](super::words::FETCH) before it; each of the row and of its scans.
    rows: Vec<[[u32; 2]; 3]>,
    /// Kernels: of the row, and of its scans where there are any.
    pub row: Shape,
    /// Of its scans.
    pub scan: Option<Shape>,
    /// Scans.
    pub scans: u32,
    /// Operations of a pixel, without scans and in one of these, and their stages.
    operations: [usize; 2],
    stages: [usize; 2],
    /// Those made ahead of a row, and of all scans over it.
    ahead: [usize; 2],
    /// Values of an image: what its layout says, and the sums made ahead.
    pub values: usize,
}

impl Table {
    /// The table of `plan`, whose values stand as `layout` says, for such workgroups, or those of half as many images if that lets their
    /// memory hold all that pixels look at; and the workgroup. Draws may leave out levels where it `truncates`.
    pub fn fitting(plan: &Plan, layout: &Layout, workgroup: Workgroup, truncates: bool) -> (Workgroup, Self) {
        let room = |workgroup| Room::new(plan, layout, workgroup, truncates);
        let (mut workgroup, mut own) = (workgroup, room(workgroup));
        if own.near.is_none()
            && let Some(halved) = workgroup.halved()
            && let half @ Room { near: Some(_), .. } = room(halved)
        {
            (workgroup, own) = (halved, half);
        }
        (workgroup, Self::new(plan, layout, workgroup, &own))
    }

    /// That of workgroups with such room.
    pub fn new(plan: &Plan, layout: &Layout, workgroup: Workgroup, room: &Room) -> Self {
        let Row { operations: [operations, scan_operations], ahead_operations, ahead, .. } =
            room.row(plan, layout, workgroup, 0);
        let count = plan.scans.len();
        // The layers are alike, and so are their scans.
        let of_a_scan = scan_operations / count.max(1);
        assert_eq!(of_a_scan * count, scan_operations, "scans of unequal lengths");
        let (mut words, mut rows) = (Vec::new(), Vec::new());
        for y in 0..layout.phases(plan.config.height) {
            let row = room.row(plan, layout, workgroup, y);
            let pixel = words.len();
            row.words.write(&mut words);
            let ahead = words.len();
            row.ahead.words.write(&mut words);
            let fetch = words.len();
            row.fetch.write(&mut words);
            let behind = |first: usize, operations: usize| [first, first + operations * OPERATION];
            let firsts = [behind(pixel, operations), behind(ahead, ahead_operations[0]), behind(fetch, 1)];
            rows.push(firsts.map(|firsts| firsts.map(|word| word as u32)));
        }
        let config = &plan.config;
        let shape = Shape {
            threads: workgroup.threads,
            images: workgroup.images,
            images_a_thread: workgroup.images_a_thread,
            split: room.partials.is_some(),
            ahead: workgroup.ahead,
            united: workgroup.united,
            near: room.near.is_some(),
            levels: usize::from(config.levels),
            // Not as little as may be: networks nearly alike have one kernel.
            shared: room.values.next_multiple_of(LEAST_MEMORY).min(workgroup.memory),
            features: room.features,
            draws: room.draws,
            softmax: room.softmax,
            scan: false,
            truncates: room.truncates,
            contract: false,
        };
        let stages = |first: usize, operations: usize| {
            let operations = words[first * OPERATION..].chunks_exact(OPERATION).take(operations);
            operations.map(|op: &[u32]| op[ENDS] as usize).sum()
        };
        let stages = [stages(0, operations), stages(operations, of_a_scan)];
        let scan = (count > 0).then_some(Shape { scan: true, truncates: false, ..shape });
        Self {
            words,
            rows,
            row: shape,
            scan,
            scans: count as u32,
            operations: [operations, of_a_scan],
            stages,
            ahead: ahead_operations,
            values: ahead.end(),
        }
    }

    /// Word of the first operation of row `y`, or of the scans that follow it.
    pub fn first_operation(&self, shape: &Shape, y: usize) -> u32 {
        self.rows[y % self.rows.len()][0][usize::from(shape.scan)]
    }

    /// That of what is made ahead of it.
    pub fn first_ahead(&self, shape: &Shape, y: usize) -> u32 {
        self.rows[y % self.rows.len()][1][usize::from(shape.scan)]
    }

    /// That of what fetches the columns beside its first pixel.
    pub fn first_fetch(&self, shape: &Shape, y: usize) -> u32 {
        self.rows[y % self.rows.len()][2][usize::from(shape.scan)]
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

    /// Stages of a pixel, each of which waits for the one before it.
    pub fn stages(&self, shape: &Shape) -> usize {
        self.stages[usize::from(shape.scan)]
    }

    /// Rounds of loops that a thread of a kernel makes at a pixel, at most.
    pub fn rounds(&self, shape: &Shape) -> usize {
        let first = self.first_operation(shape, 0) as usize;
        let operations = self.words[first..].chunks_exact(OPERATION).take(self.operations(shape));
        2 + operations.map(|op| 4 + self.rounds_of(op, shape)).sum::<usize>()
    }

    /// Those of an operation. Mesa goes through what is not asked for too, with no thread taking part: so a loop has a round more
    /// than it needs, one at least, and every round goes through all loops inside it.
    fn rounds_of(&self, op: &[u32], shape: &Shape) -> usize {
        let (kind, lanes, draws) = (op[KIND], shape.images / shape.images_a_thread, shape.draws);
        let (blocks, chunks) = ((op[COUNT] as usize).div_ceil(BLOCK), shape.levels.div_ceil(CHUNK));
        let asked = |own: bool, items: usize| if own { 1 + items.div_ceil(shape.threads) } else { 1 };
        // Two loops for either memory.
        let length = |segment: &[u32]| {
            let values = (segment[2] & !RECTIFIED) as usize;
            6 + values / UNROLLED + values % UNROLLED
        };
        let segments = self.words[op[FIRST_SEGMENT] as usize..].chunks_exact(SEGMENT_WORDS);
        let lengths = segments.take(op[SEGMENTS] as usize).map(length);
        let mut rounds = 0;
        if shape.near {
            let segments = self.words[op[FIRST_SEGMENT] as usize..].chunks_exact(SEGMENT_WORDS);
            let moved = segments.take(if kind == SHIFT { op[SEGMENTS] as usize } else { 0 }).map(|segment| {
                let [features, columns, slots] = [1, 2, 3].map(|word| segment[word] as usize);
                1 + (1 + (features * slots * shape.images).div_ceil(shape.threads)) * (1 + columns)
            });
            rounds += 1 + moved.sum::<usize>();
        }
        let of_parts = if shape.split {
            let items = (op[ITEMS] * op[SEGMENTS]) as usize;
            rounds += asked(kind == PARTIALS, items) * (1 + lengths.max().unwrap_or(6));
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

pub fn steps(plan: &Plan) -> impl Iterator<Item = &Step> {
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

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::super::words::{ADD, ALSO, BIAS, CELLS_KEPT, CELLS_TO, KEPT, NONE, PLACE, SHARED, TO};
    use super::super::workgroup::Adapter;
    use super::*;
    use crate::model::{Model, ModelConfig, Network};
    use burn::tensor::Device;

    /// What is compiled for one network serves the next, where both have room: compiling takes a browser up to seconds.
    #[test]
    fn networks_share_their_kernels() {
        for images in [0, 2] {
            let shapes =
                Network::ALL.into_iter().flat_map(|network| [5, 16].map(|h| (network, h))).map(|(network, h)| {
                    let tiny = ModelConfig::tiny(network, 1, 2, [3, 4 + h]);
                    let config = ModelConfig { layers: 3, h, head: 20, ..tiny };
                    let model = Model::init(&config, 1, &Device::flex()).expect("a good configuration");
                    let plan = Plan::new(&config, model.net());
                    let (layout, workgroup) = (Layout::new(&plan), Adapter::LEAST.workgroup_of(images));
                    Table::new(&plan, &layout, workgroup, &Room::new(&plan, &layout, workgroup, false)).row
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
            let table = Table::new(&plan, &layout, workgroup, &Room::new(&plan, &layout, workgroup, truncates));
            assert!(table.row.shared <= workgroup.memory, "{config:?}");
            let of_an_image = (table.row.shared - table.row.features) / workgroup.images;
            for y in 0..height {
                let mut operations = Vec::new();
                for (shape, count) in
                    [(table.row, 1)].into_iter().chain(table.scan.map(|shape| (shape, table.scans as usize)))
                {
                    operations.push((table.first_operation(&shape, y), table.operations(&shape) * count));
                    operations.push((table.first_ahead(&shape, y), table.ahead(&shape)));
                    let fetches = if shape.near { count } else { 0 };
                    operations.push((table.first_fetch(&shape, y), fetches));
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
                    for place in
                        [ADD, ALSO, TO, CELLS_TO, KEPT, CELLS_KEPT].into_iter().filter(|&place| op[place] != NONE)
                    {
                        let length = if op[KIND] > PARTIALS { 1 } else { count };
                        check(op[place] as usize, op[place + PLACE] as usize, length);
                    }
                    let parts = op[PART..].chunks_exact(PART_WORDS).take(PARTS).filter(|part| part[0] != NONE);
                    for part in parts.filter(|part| part[PLACE] != BIAS) {
                        check(part[0] as usize, part[PLACE] as usize, (op[COUNT] as usize).next_multiple_of(BLOCK));
                    }
                    for segment in 0..op[SEGMENTS] as usize {
                        let segment = &table.words[op[FIRST_SEGMENT] as usize + segment * SEGMENT_WORDS..];
                        if op[KIND] == SHIFT {
                            check((segment[0] + SHARED) as usize, 0, segment[1..4].iter().product::<u32>() as usize);
                            continue;
                        }
                        let values = segment[2] & !RECTIFIED;
                        check(segment[0] as usize, segment[1] as usize, values as usize);
                        let blocks = (op[COUNT] as usize).div_ceil(BLOCK);
                        let weights = segment[3] as usize + values as usize * blocks;
                        assert!(weights * BLOCK <= plan.weights.len(), "{config:?}, row {y}");
                        // Other threads still read while one writes.
                        if op[KIND] != PARTIALS && segment[1] == op[TO + PLACE] {
                            let [from, to] = [(segment[0], values), (op[TO], count as u32)];
                            let apart = from.0 + from.1 <= to.0 || to.0 + to.1 <= from.0;
                            assert!(apart, "{config:?}, row {y}: {from:?} {to:?}");
                        }
                    }
                }
            }
        }
    }
}
