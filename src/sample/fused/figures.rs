//! What drawing asks of a GPU: counted in the kernel's table, not measured.

use super::device::FusedDevice;
use super::table::Table;
use super::words::{
    ADD, ALSO, BIAS, CELLS, CELLS_KEPT, CELLS_TO, COUNT, DRAW_LEVEL, DRAW_SUMS, FIRST_SEGMENT, KEPT, KIND, NONE,
    OPERATION, PART, PART_WORDS, PARTIALS, PARTS, PLACE, RECTIFIED, SEGMENT_WORDS, SEGMENTS, SHARED, SHIFT, TO,
};
use super::workgroup::{Adapter, Workgroup};
use crate::sample::layout::Layout;
use crate::sample::plan::Plan;
use serde::Serialize;

/// Bytes of a word of storage.
const WORD: usize = size_of::<f32>();

/// What drawing a batch with a network asks of a GPU. A pixel has its part in the scans of its row, where there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Images that a workgroup draws, and every word it reads of weights and table serves.
    pub images_per_workgroup: usize,
    /// Steps that wait for one another.
    pub stages_per_pixel: usize,
    /// Times that the threads of a workgroup wait for one another.
    pub barriers_per_pixel: usize,
    /// Those of them that wait for storage, which is the whole GPU's.
    pub storage_barriers_per_pixel: usize,
    /// Bytes of storage read at a pixel of an image: its states, and its part in the weights and the table; each word once a
    /// stage.
    pub bytes_read_per_pixel: usize,
    /// Bytes of storage written.
    pub bytes_written_per_pixel: usize,
    /// Bytes of GPU memory kept for an image.
    pub bytes_per_image: usize,
}

impl Figures {
    /// The figures of the network of one scale and so many images, on an adapter of which nothing is known.
    pub fn new(plan: &Plan, batch: usize) -> Self {
        Self::of(plan, Adapter::LEAST.workgroup(batch))
    }

    /// The same on this GPU.
    pub fn on(device: &FusedDevice, plan: &Plan, batch: usize) -> Self {
        Self::of(plan, device.workgroup(batch))
    }

    fn of(plan: &Plan, workgroup: Workgroup) -> Self {
        let layout = Layout::new(plan);
        let (workgroup, table) = Table::fitting(plan, &layout, workgroup, false);
        let (mut words, logits) = (Words::default(), plan.config.logits());
        let scan = table.scan.map(|scan| (scan, table.scans as usize));
        let mut stages = 0;
        for (shape, scans) in [(table.row, 1)].into_iter().chain(scan) {
            let operations = table.operations(&shape) * scans;
            stages += table.stages(&shape) * scans;
            let [first, first_ahead] = [table.first_operation(&shape, 0), table.first_ahead(&shape, 0)];
            words.add(&table, first, operations, 1, logits);
            // A thread has a column there.
            let columns = shape.threads * shape.images_a_thread / shape.images;
            words.add(&table, first_ahead, table.ahead(&shape), columns.clamp(1, plan.config.width), logits);
        }
        let images = workgroup.images;
        Self {
            images_per_workgroup: images,
            stages_per_pixel: stages,
            // One behind each.
            barriers_per_pixel: stages,
            storage_barriers_per_pixel: if table.row.near { 0 } else { stages },
            bytes_read_per_pixel: (WORD * words.read).div_ceil(images),
            bytes_written_per_pixel: (WORD * words.written).div_ceil(images),
            bytes_per_image: table.values * WORD,
        }
    }
}

/// Words of storage that a workgroup reads and writes at a pixel.
#[derive(Default)]
struct Words {
    read: usize,
    written: usize,
}

impl Words {
    /// Adds so many operations from word `first` on, of which each word of weights and table serves so many columns, of a network with
    /// so many logits a value.
    fn add(&mut self, table: &Table, first: u32, operations: usize, columns: usize, logits: usize) {
        for op in table.words[first as usize..].chunks_exact(OPERATION).take(operations) {
            self.add_operation(table, op, columns, logits);
        }
    }

    fn add_operation(&mut self, table: &Table, op: &[u32], columns: usize, logits: usize) {
        let (kind, count) = (op[KIND], op[COUNT] as usize);
        if kind == SHIFT {
            // What it moves is no storage.
            self.read += OPERATION + SEGMENT_WORDS * op[SEGMENTS] as usize;
            return;
        }
        // A draw is for some of the images.
        let images = if kind > PARTIALS { table.row.draws } else { table.row.images };
        let stored = |place: usize| op[place] < SHARED;
        // What stands at a place, by the kind of the operation.
        let values = |place: usize| match (kind, place) {
            (DRAW_LEVEL, _) => 1,
            // At temperature 1, where one sum is the other.
            (DRAW_SUMS, _) => 0,
            (kind, ADD) if kind > PARTIALS => logits,
            (CELLS, ALSO | TO | CELLS_TO | KEPT | CELLS_KEPT) => count / 4,
            _ => count,
        };
        let sum = |places: &[usize]| places.iter().filter(|&&place| stored(place)).map(|&place| values(place)).sum();
        let segments = table.words[op[FIRST_SEGMENT] as usize..].chunks_exact(SEGMENT_WORDS);
        let segments: Vec<_> = segments.take(op[SEGMENTS] as usize).collect();
        let length = |segment: &&[u32]| (segment[2] & !RECTIFIED) as usize;
        let inputs: usize = segments.iter().map(length).sum();
        let stored_inputs: usize = segments.iter().filter(|segment| segment[0] < SHARED).map(length).sum();
        let parts = op[PART..].chunks_exact(PART_WORDS).take(PARTS).filter(|part| part[0] != NONE);
        let (biases, unfinished): (Vec<_>, Vec<_>) = parts.partition(|part| part[PLACE] == BIAS);
        let unfinished = unfinished.iter().filter(|part| part[0] < SHARED).count();
        let served = OPERATION + SEGMENT_WORDS * segments.len() + count * (inputs + biases.len());
        let read: usize = sum(&[ADD, ALSO]);
        let written: usize = match kind {
            // Level and −ln p, and the input they become.
            DRAW_LEVEL => 2 + sum(&[TO, KEPT]),
            kind if kind > CELLS => 0,
            _ => sum(&[TO, CELLS_TO, KEPT, CELLS_KEPT]),
        };
        self.read += served.div_ceil(columns) + images * (stored_inputs + count * unfinished + read);
        self.written += images * written;
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Of the networks that are shipped: who changes the kernel sees here what becomes cheaper.
    #[test]
    fn shipped_networks_ask_this_of_a_gpu() {
        let expected = [
            [[1, 83, 0, 553_364, 4_108, 177_828], [16, 50, 50, 46_788, 4_364, 177_828]],
            [[1, 27, 0, 166_092, 3_852, 137_700], [16, 19, 19, 17_976, 3_852, 137_700]],
            [[1, 48, 0, 175_080, 8_332, 267_172], [16, 33, 33, 22_835, 8_332, 267_172]],
            [[1, 291, 291, 3_072_444, 30_692, 540_384], [16, 195, 195, 329_995, 39_012, 540_384]],
        ];
        let found = ["mnist-pixelcnn", "mnist-row", "mnist-diagonal", "cifar10-pixelcnn"].map(|file| {
            let path = format!("{}/www/models/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).expect("a shipped network");
            let model = crate::weights::load(&bytes, &Device::flex()).expect("a good file").model;
            let plan = &Plan::of(&model)[0];
            [1, 16].map(|batch| {
                let found = Figures::new(plan, batch);
                let bytes = [found.bytes_read_per_pixel, found.bytes_written_per_pixel, found.bytes_per_image];
                let [read, written, image] = bytes;
                let stages = [found.images_per_workgroup, found.stages_per_pixel, found.storage_barriers_per_pixel];
                let [images, stages, barriers] = stages;
                [images, stages, barriers, read, written, image]
            })
        });
        let what = "images a workgroup; stages, barriers for storage, bytes read and written a pixel, bytes an image";
        assert_eq!(found, expected, "{what}");
        // What a workgroup read and wrote for one image alone before it drew several; of the first, made since, what it does now.
        for (found, alone) in found.iter().zip([557_472, 254_324, 289_912, 4_259_684]) {
            assert!(8 * (found[1][3] + found[1][4]) <= alone, "{found:?}, {alone}");
        }
    }
}
