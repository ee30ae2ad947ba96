//! What stands where in workgroup memory, and the operations of a row by that.

use super::near::{AllNear, kernels};
use super::operation::{Ahead, Words};
use super::softmax::softmax_values;
use super::stage::Touched;
use super::table::steps;
use super::words::{
    BLOCK, COUNT, DRAW_ABOVE, DRAW_HIGHEST, DRAW_KEPT, DRAW_LEVEL, DRAW_SUMS, DRAW_WEIGHTS, FETCH, NONE, OPERATION,
    PART, SHARED, SHIFT,
};
use super::workgroup::Workgroup;
use crate::sample::layout::{At, Layout};
use crate::sample::plan::{HERE, Plan, Step};
use crate::sample::program::{Op, Program};

/// Most sums of segments before they are added up, those of all images: more are made in several operations.
const MOST_PARTIALS: usize = 1536;

/// What stands where in workgroup memory.
#[derive(Clone, Default)]
pub struct Room {
    /// Values in use.
    pub values: usize,
    /// Sums of segments of an image that there is room for, where they are made apart.
    pub partials: Option<usize>,
    /// See [`Shape`](super::words::Shape).
    pub features: usize,
    pub draws: usize,
    pub softmax: usize,
    pub truncates: bool,
    /// What pixels look at of their row, where there is room for all of it.
    pub near: Option<AllNear>,
    /// Of each slot of one pixel, where there is room for it; the others are kept with the image.
    slots: Vec<Option<usize>>,
}

/// The operations of a row.
pub struct Row {
    pub words: Words,
    /// Those of a pixel, and of all scans.
    pub operations: [usize; 2],
    pub ahead: Ahead,
    /// The same of those made ahead.
    pub ahead_operations: [usize; 2],
    /// A [`FETCH`] of the row and of every scan.
    pub fetch: Words,
}

impl Room {
    /// That of a plan in such a workgroup.
    pub fn new(plan: &Plan, layout: &Layout, workgroup: Workgroup, truncates: bool) -> Self {
        let most = steps(plan).filter_map(Step::sums).flat_map(|sums| &sums.outputs).map(|outputs| outputs.len()).max();
        let room = MOST_PARTIALS / workgroup.images;
        let split = workgroup.split && most.is_none_or(|outputs| outputs.next_multiple_of(BLOCK) <= room);
        let room = Self { partials: split.then_some(room), truncates, ..Self::default() };
        // Once to see how much room sums need, and again with places for them.
        let rough = room.row(plan, layout, workgroup, 0);
        room.with(plan, workgroup, rough.words.operations())
    }

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
        let mut all = true;
        for (k, slot) in plan.slots.iter().enumerate() {
            // Gates are kept only where they are made in several operations.
            let asked = slot.rows == 0 && (room.partials.is_some() || !gates(k));
            let fits = asked && room.features + (features + slot.features) * images <= memory;
            room.slots.push(fits.then_some(features));
            features += if fits { slot.features } else { 0 };
            all &= fits || !asked;
        }
        if workgroup.ahead && all {
            let near = AllNear::new(plan, features);
            if room.features + near.end * images <= memory {
                features = near.end;
                room.near = Some(near);
            }
        }
        room.values = room.features + features * images;
        room
    }

    /// The operations of row `y`, and of all scans behind it.
    pub fn row(&self, plan: &Plan, layout: &Layout, workgroup: Workgroup, y: usize) -> Row {
        let shared = |start: usize| At { start: start + SHARED as usize, column: 0 };
        let unfinished = shared(0);
        let near = |slot: usize| self.near.as_ref().and_then(|near| near.of(slot));
        let program = Program::new(plan, |slot, from, own| match (self.slots.get(slot), near(slot)) {
            (Some(Some(start)), _) => shared(*start),
            (_, Some(near)) if own => shared(near.place(from.left)),
            _ => layout.at(slot, from, y),
        });
        // Where that is kept which goes to workgroup memory.
        let kept = |slot: usize, to: At| {
            let feature = to.start - shared(near(slot)?.place(0)).start;
            Some(layout.at(slot, HERE, y).feature(feature))
        };
        let mut words = Words::new(self.partials, workgroup);
        let mut ahead = Ahead::new(workgroup.ahead, layout.length(), plan.config.width, workgroup);
        let mut fetch = Words::new(None, workgroup);
        let push = |words: &mut Words, ahead: &mut Ahead, stage: &mut Touched, op: &Op, step: &Step| {
            let kept = match (op, step) {
                (Op::Lstm { h, c, .. }, Step::Lstm { h: states, c: cells, .. }) => {
                    [kept(*states, *h), kept(*cells, *c)]
                }
                (Op::Sums(sums), _) => [step.writes().next().and_then(|slot| kept(slot, sums.to)), None],
                (Op::Add { to, .. }, _) => [step.writes().next().and_then(|slot| kept(slot, *to)), None],
                (Op::Lstm { .. }, _) => unreachable!("an operation of another step"),
            };
            words.push(&program, op, unfinished, ahead, kept, stage.joined_by(step));
        };
        let kinds: &[u32] = match (plan.config.levels, self.truncates) {
            (2, _) => &[DRAW_LEVEL],
            (_, false) => &[DRAW_HIGHEST, DRAW_WEIGHTS, DRAW_SUMS, DRAW_LEVEL],
            (_, true) => &[DRAW_HIGHEST, DRAW_WEIGHTS, DRAW_SUMS, DRAW_ABOVE, DRAW_KEPT, DRAW_LEVEL],
        };
        for (channel, ops) in program.channels.iter().enumerate() {
            let mut stage = Touched::default();
            ops.iter().zip(&plan.steps).for_each(|(op, step)| push(&mut words, &mut ahead, &mut stage, op, step));
            let input = program.input.feature(channel);
            for first_image in (0..workgroup.images).step_by(self.draws.max(1)) {
                words.push_draw(kinds, channel, first_image, program.logits[channel], input, kept(0, input));
            }
        }
        let mut of_row = [0; 2];
        for scan in kernels(plan) {
            if let Some(k) = scan {
                let ops = program.scans[k].iter().zip(plan.scans[k].iter().cycle());
                let mut stage = Touched::default();
                ops.for_each(|(op, step)| push(&mut words, &mut ahead, &mut stage, op, step));
            }
            if let Some(near) = &self.near {
                words.push_moves(SHIFT, near.shifted(plan, scan));
                fetch.push_moves(FETCH, near.fetched(plan, scan, layout, y));
            }
            if scan.is_none() {
                of_row = [&words, &ahead.words].map(|words| words.operations().len());
            }
        }
        let [row, row_ahead] = of_row;
        let operations = [row, words.operations().len() - row];
        let ahead_operations = [row_ahead, ahead.words.operations().len() - row_ahead];
        Row { words, operations, ahead, ahead_operations, fetch }
    }
}
