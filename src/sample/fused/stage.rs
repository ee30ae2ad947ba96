//! Stages: what a workgroup does between two barriers. Operations that wait for nothing of one another make one, and its threads
//! are shared out among them.

use super::words::{
    BLOCK, COUNT, ENDS, FIRST_THREAD, ITEMS, KIND, OPERATION, PART, PART_SEGMENTS, PART_WORDS, PARTIALS, PARTIALS_AT,
    PARTS, SEGMENTS,
};
use super::workgroup::Workgroup;
use crate::sample::plan::Step;

/// Segments of a sum that one thread makes where a thread a segment could, at most: to wait for the others costs more than the time of
/// one segment.
const WHOLE_SEGMENTS: u32 = 2;

/// The slots that the steps of a stage read and write.
#[derive(Default)]
pub struct Touched {
    read: Vec<usize>,
    written: Vec<usize>,
}

impl Touched {
    /// Whether a step waits for none of these, and none for it; else it begins the next stage.
    pub fn joined_by(&mut self, step: &Step) -> bool {
        let (read, written): (Vec<_>, Vec<_>) = (step.reads().collect(), step.writes().collect());
        let waits = read.iter().any(|slot| self.written.contains(slot))
            || written.iter().any(|slot| self.written.contains(slot) || self.read.contains(slot));
        let joins = !self.written.is_empty() && !waits;
        if !joins {
            *self = Self::default();
        }
        self.read.extend(read);
        self.written.extend(written);
        joins
    }
}

/// Shares the threads out among operations that wait for nothing of one another, each behind the sums of its segments where these are
/// made apart. Those are a stage of their own, unless threads may as well make all segments of their sums: then they wait for
/// nobody before they add them up.
pub fn share_out(together: Vec<[u32; OPERATION]>, workgroup: Workgroup) -> Vec<[u32; OPERATION]> {
    let (partials, sums): (Vec<_>, Vec<_>) = together.into_iter().partition(|op| op[KIND] == PARTIALS);
    let whole = workgroup.united && partials.iter().all(|op| op[SEGMENTS] <= WHOLE_SEGMENTS);
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let (mut partials, mut at, mut threads, mut threads_before) = (partials.into_iter(), 0, 0, 0);
    for mut op in sums {
        let items = (op[COUNT] as usize).div_ceil(BLOCK) * workgroup.lanes();
        op[PARTIALS_AT] = at as u32;
        op[FIRST_THREAD] = (threads % workgroup.threads) as u32;
        if segments_of_parts(&op) > 0
            && let Some(mut partial) = partials.next()
        {
            partial[PARTIALS_AT] = at as u32;
            at += partials_of(&partial);
            if whole {
                // Every segment by the same threads.
                partial[FIRST_THREAD] = op[FIRST_THREAD];
                partial[ITEMS] = items.next_multiple_of(workgroup.threads) as u32;
                behind.push(partial);
            } else {
                partial[FIRST_THREAD] = (threads_before % workgroup.threads) as u32;
                partial[ITEMS] = items as u32;
                threads_before += items * partial[SEGMENTS] as usize;
                before.push(partial);
            }
        }
        threads += items;
        behind.push(op);
    }
    for stage in [&mut before, &mut behind] {
        stage.iter_mut().for_each(|op| op[ENDS] = 0);
        stage.last_mut().into_iter().for_each(|op| op[ENDS] = 1);
    }
    before.append(&mut behind);
    before
}

/// Sums of segments that an operation makes of an image.
pub fn partials_of(op: &[u32; OPERATION]) -> usize {
    op[SEGMENTS] as usize * (op[COUNT] as usize).next_multiple_of(BLOCK)
}

/// Segments of all parts of an operation.
fn segments_of_parts(op: &[u32; OPERATION]) -> usize {
    op[PART..].chunks_exact(PART_WORDS).take(PARTS).map(|part| part[PART_SEGMENTS] as usize).sum()
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::super::room::Room;
    use super::super::table::Table;
    use super::super::words::{
        ADD, ALSO, BIAS, CELLS, CELLS_KEPT, CELLS_TO, FIRST_SEGMENT, KEPT, NONE, PLACE, RECTIFIED, SEGMENT_WORDS, TO,
    };
    use super::super::workgroup::Adapter;
    use super::*;
    use crate::model::{Model, ModelConfig, Network};
    use crate::sample::layout::Layout;
    use crate::sample::plan::{HERE, Plan};
    use burn::tensor::Device;
    use std::ops::Range;

    /// What an operation reads and writes, of its sums of segments too.
    #[derive(Default)]
    struct Ranges {
        read: Vec<Range<usize>>,
        written: Vec<Range<usize>>,
        partials: Vec<Range<usize>>,
    }

    impl Ranges {
        fn add(&mut self, op: &[u32], words: &[u32], width: usize) {
            let range = |at: &[u32], length: usize| {
                let start = at[0] as usize;
                start..start + (width - 1) * at[PLACE] as usize + length
            };
            let count = op[COUNT] as usize;
            let units = if op[KIND] == CELLS { count / 4 } else { count };
            let segments = words[op[FIRST_SEGMENT] as usize..].chunks_exact(SEGMENT_WORDS).take(op[SEGMENTS] as usize);
            self.read.extend(segments.map(|segment| range(segment, (segment[2] & !RECTIFIED) as usize)));
            let all = count.next_multiple_of(BLOCK);
            let parts = op[PART..].chunks_exact(PART_WORDS).take(PARTS);
            let unfinished = parts.filter(|part| part[0] != NONE && part[PLACE] != BIAS);
            self.read.extend(unfinished.map(|part| range(part, all)));
            let places = |places: &[usize], length| {
                let places = places.iter().map(|&place| &op[place..]).filter(|at| at[0] != NONE);
                places.map(|at| range(at, length)).collect::<Vec<_>>()
            };
            self.read.extend(places(&[ADD], count));
            self.read.extend(places(&[ALSO], units));
            self.written.extend(places(&[TO, CELLS_TO, KEPT, CELLS_KEPT], units));
            let at = op[PARTIALS_AT] as usize;
            self.partials.extend((op[KIND] == PARTIALS).then(|| at..at + all * op[SEGMENTS] as usize));
        }
    }

    fn overlap(one: &[Range<usize>], other: &[Range<usize>]) -> bool {
        one.iter().any(|one| other.iter().any(|other| one.start < other.end && other.start < one.end))
    }

    /// The operations of stages, each with what makes its sums of segments in the same one.
    fn stages(table: &Table, first: usize, operations: usize) -> Vec<Vec<Vec<&[u32]>>> {
        let (mut stages, mut stage) = (Vec::new(), vec![Vec::new()]);
        for op in table.words[first..].chunks_exact(OPERATION).take(operations) {
            stage.last_mut().expect("one at least").push(op);
            if op[KIND] != PARTIALS || op[ENDS] == 1 || op[ITEMS] % table.row.threads as u32 != 0 {
                stage.push(Vec::new());
            }
            if op[ENDS] == 1 {
                stage.retain(|operations| !operations.is_empty());
                stages.push(std::mem::replace(&mut stage, vec![Vec::new()]));
            }
        }
        stages
    }

    #[test]
    fn a_step_joins_those_it_does_not_wait_for() {
        let add = |one, other, to| Step::Add { from: [(one, HERE), (other, HERE)], to };
        let mut stage = Touched::default();
        assert!(!stage.joined_by(&add(0, 1, 2)), "with no other");
        assert!(stage.joined_by(&add(0, 1, 3)), "of the same slots");
        assert!(!stage.joined_by(&add(0, 3, 4)), "reads what is written");
        assert!(stage.joined_by(&add(1, 1, 5)), "the others are done");
        assert!(!stage.joined_by(&add(1, 1, 3)), "writes what is read");
        assert!(!stage.joined_by(&add(1, 1, 3)), "writes what is written");
    }

    #[test]
    fn what_is_done_between_two_barriers_waits_for_nothing_of_itself() {
        let cases = [(1, 2, 5), (1, 2, 16), (3, 256, 33)].into_iter().flat_map(|case| [0, 2, 4].map(|n| (case, n)));
        for (network, ((channels, levels, h), images)) in
            Network::ALL.into_iter().flat_map(|network| cases.clone().map(move |case| (network, case)))
        {
            let [height, width] = [3, 4];
            let tiny = ModelConfig::tiny(network, channels, levels, [height, width]);
            let config = ModelConfig { layers: 3, h, head: 20, skip: true, ..tiny };
            let model = Model::init(&config, 1, &Device::flex()).expect("a good configuration");
            let plan = Plan::new(&config, model.net());
            let layout = Layout::new(&plan);
            for software in [false, true] {
                let adapter = Adapter { software, ..Adapter::LEAST };
                let workgroup = adapter.workgroup_of(images);
                let room = Room::new(&plan, &layout, workgroup, false);
                let table = Table::new(&plan, &layout, workgroup, &room);
                let mut shared = 0;
                for (y, shape) in (0..height).flat_map(|y| [Some(table.row), table.scan].map(|shape| (y, shape))) {
                    let Some(shape) = shape else { continue };
                    let first = table.first_operation(&shape, y) as usize;
                    let stages = stages(&table, first, table.operations(&shape));
                    assert_eq!(stages.len(), table.stages(&shape), "{config:?}");
                    for stage in stages {
                        shared += usize::from(stage.len() > 1);
                        let mut before = Ranges::default();
                        for operations in stage {
                            let mut own = Ranges::default();
                            operations.iter().for_each(|op| own.add(op, &table.words, width));
                            let waits = overlap(&own.read, &before.written)
                                || overlap(&own.written, &before.written)
                                || overlap(&own.written, &before.read)
                                || overlap(&own.partials, &before.partials);
                            assert!(!waits, "{config:?}, {images}, row {y}: {operations:?}");
                            if let [partials, sums] = operations[..] {
                                let of_both = |word: usize| partials[word] == sums[word];
                                assert!(of_both(FIRST_THREAD) && of_both(PARTIALS_AT), "{config:?}, {images}");
                            }
                            before.read.append(&mut own.read);
                            before.written.append(&mut own.written);
                            before.partials.append(&mut own.partials);
                        }
                    }
                }
                assert_eq!(shared > 0, !software, "{config:?}, {images}: {shared}");
            }
        }
    }
}
