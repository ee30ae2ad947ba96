//! What the pixels of a row look at of it, kept in workgroup memory.
//!
//! A barrier for storage is one for the whole device: on real GPUs it costs what dozens of additions do, and what is read behind it
//! comes from far away. So of every map a workgroup keeps the columns that its pixel looks at: the pixel's own, and the few beside
//! it. They are written to storage too, where later rows and launches find them, but nothing in a launch waits for that.

use super::words::SEGMENT_WORDS;
use crate::sample::layout::Layout;
use crate::sample::plan::{HERE, Place, Plan, Step};

/// The columns of a map that are kept in workgroup memory.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    /// Where they stand, those of an image one after another.
    start: usize,
    /// Features a column.
    features: usize,
    /// Columns left of the pixel's own, and right of it.
    left: usize,
    right: usize,
}

impl Near {
    fn columns(&self) -> usize {
        self.left + 1 + self.right
    }

    /// Where the column that is so many `left` of the pixel's own stands.
    pub fn place(&self, left: isize) -> usize {
        self.start + self.left.wrapping_add_signed(-left) * self.features
    }
}

/// Those of a plan.
#[derive(Clone, Default)]
pub struct AllNear {
    /// Of each slot that a pixel looks at in its own row.
    slots: Vec<Option<Near>>,
    /// Where they end.
    pub end: usize,
}

impl AllNear {
    /// All that pixels look at, placed from `start` on. A workgroup makes the row or one of the scans, so all of these have the same
    /// room.
    pub fn new(plan: &Plan, start: usize) -> Self {
        let mut all = Self { slots: vec![None; plan.slots.len()], end: start };
        for scan in kernels(plan) {
            let written = plan.written(scan);
            for (slot, left) in looks(plan, scan).filter(|&(slot, _)| written[slot] && plan.slots[slot].rows > 0) {
                let features = plan.slots[slot].features;
                let near = all.slots[slot].get_or_insert(Near { start, features, left: 0, right: 0 });
                near.left = near.left.max(left.max(0) as usize);
                near.right = near.right.max((-left).max(0) as usize);
            }
            let mut near: Vec<_> = all.slots.iter_mut().zip(written).filter(|(_, written)| *written).collect();
            // Those alike one after another, to be moved in one go.
            near.sort_by_key(|(near, _)| near.as_ref().map(|near| (near.columns(), near.features)));
            let mut end = start;
            for near in near.into_iter().filter_map(|(near, _)| near.as_mut()) {
                near.start = end;
                end += near.columns() * near.features;
            }
            all.end = all.end.max(end);
        }
        all
    }

    /// The columns of a slot.
    pub fn of(&self, slot: usize) -> Option<&Near> {
        self.slots.get(slot)?.as_ref()
    }

    /// Of the row, or of a scan.
    fn made_by(&self, plan: &Plan, scan: Option<usize>) -> Vec<(usize, Near)> {
        let near = self.slots.iter().zip(plan.written(scan)).enumerate();
        near.filter_map(|(slot, (near, written))| near.filter(|_| written).map(|near| (slot, near))).collect()
    }

    /// The segments of a [`FETCH`](super::words::FETCH).
    pub fn fetched(&self, plan: &Plan, scan: Option<usize>, layout: &Layout, y: usize) -> Vec<[u32; SEGMENT_WORDS]> {
        let of = |(slot, near): (usize, Near)| {
            let sides = [(near.left as isize, near.left), (-1, near.right)];
            sides.into_iter().filter(|&(_, columns)| columns > 0).map(move |(left, columns)| {
                let at = layout.at(slot, Place { up: 0, left }, y);
                [at.start, at.column, columns * near.features, near.place(left)].map(|word| word as u32)
            })
        };
        self.made_by(plan, scan).into_iter().flat_map(of).collect()
    }

    /// The segments of a [`SHIFT`](super::words::SHIFT).
    pub fn shifted(&self, plan: &Plan, scan: Option<usize>) -> Vec<[u32; SEGMENT_WORDS]> {
        let mut near: Vec<_> = self.made_by(plan, scan).into_iter().map(|(_, near)| near).collect();
        near.retain(|near| near.columns() > 1);
        near.sort_by_key(|near| near.start);
        let alike = near.chunk_by(|one, other| (one.columns(), one.features) == (other.columns(), other.features));
        let segment = |near: &[Near]| [near[0].start, near[0].features, near[0].columns(), near.len()];
        alike.map(|near| segment(near).map(|word| word as u32)).collect()
    }
}

/// The row, and every scan.
pub fn kernels(plan: &Plan) -> impl Iterator<Item = Option<usize>> + use<> {
    std::iter::once(None).chain((0..plan.scans.len()).map(Some))
}

/// The slots that a pixel looks at in the row it stands in, and how far to the left of it.
fn looks(plan: &Plan, scan: Option<usize>) -> impl Iterator<Item = (usize, isize)> {
    let steps = scan.map_or(&plan.steps, |scan| &plan.scans[scan]);
    let of_sums = |step: &Step| {
        let sums = step.sums().into_iter();
        let looks = sums.flat_map(|sums| {
            let runs = sums.terms.iter().flat_map(|term| {
                let runs = term.passes.iter().flat_map(|pass| &pass.runs).filter(|run| run.from.up == 0);
                runs.flat_map(|run| {
                    let columns = run.length.div_ceil(plan.slots[term.from].features) as isize;
                    (0..columns).map(|k| (term.from, run.from.left - k))
                })
            });
            runs.chain(sums.add.map(|slot| (slot, HERE.left)))
        });
        looks.collect::<Vec<_>>()
    };
    let of_places = |step: &Step| {
        let places = match *step {
            Step::Lstm { c, before, .. } => vec![(c, before)],
            Step::Add { from, .. } => from.to_vec(),
            Step::Sums(_) => Vec::new(),
        };
        places.into_iter().filter(|(_, place)| place.up == 0).map(|(slot, place)| (slot, place.left))
    };
    steps.iter().flat_map(move |step| of_sums(step).into_iter().chain(of_places(step)))
}
