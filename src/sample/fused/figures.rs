//! What drawing asks of a GPU: counted in the kernel's table, not measured.

use super::error::FusedError;
use super::kernel::BARRIERS;
use super::table::Table;
use super::words::{
    ADD, ALSO, CELLS, CELLS_TO, COUNT, DRAW_LEVEL, FIRST_SEGMENT, KIND, NONE, OPERATION, PART, PARTS, SEGMENT_WORDS,
    SEGMENTS, SHARED, TO,
};
use crate::sample::layout::Layout;
use crate::sample::plan::Plan;
use serde::Serialize;

/// Bytes of a word of storage.
const WORD: usize = size_of::<f32>();

/// What drawing a network asks of a GPU. A pixel has its part in the scans of its row, where there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Steps that wait for one another.
    pub stages_per_pixel: usize,
    /// Times that the threads of a workgroup wait for one another.
    pub barriers_per_pixel: usize,
    /// Bytes of storage read at a pixel of an image: weights, states and the table, each word once a stage.
    pub bytes_read_per_pixel: usize,
    /// Bytes of storage written.
    pub bytes_written_per_pixel: usize,
    /// Bytes of GPU memory kept for an image.
    pub bytes_per_image: usize,
}

impl Figures {
    /// The figures of the network of one scale.
    ///
    /// # Errors
    /// When the kernel has no room for it.
    pub fn new(plan: &Plan) -> Result<Self, FusedError> {
        let layout = Layout::new(plan);
        // As many threads as may be: they change who makes a sum, not what is read.
        let table = Table::new(plan, &layout, 1)?;
        let scans = table.scan.map_or(0, |scan| scan.operations * table.scans as usize);
        let [row, scan] = table.first_operations(0).map(|word| word as usize);
        let mut figures = Self { bytes_per_image: layout.length() * WORD, ..Self::default() };
        for (first, count) in [(row, table.row.operations), (scan, scans)] {
            for op in table.words[first..].chunks_exact(OPERATION).take(count) {
                figures.add(&table, op, plan.config.logits());
            }
        }
        Ok(figures)
    }

    /// Adds an operation of a network with so many logits a value.
    fn add(&mut self, table: &Table, op: &[u32], logits: usize) {
        let count = op[COUNT] as usize;
        let stored = |place: usize| op[place] < SHARED;
        // What stands at a place, by the kind of the operation.
        let values = |place: usize| match (op[KIND], place) {
            (DRAW_LEVEL, _) => 1,
            (kind, ADD) if kind > CELLS => logits,
            (CELLS, ALSO | TO | CELLS_TO) => count / 4,
            _ => count,
        };
        let sum = |places: &[usize]| places.iter().filter(|&&place| stored(place)).map(|&place| values(place)).sum();
        let segments = table.words[op[FIRST_SEGMENT] as usize..].chunks_exact(SEGMENT_WORDS);
        let segments = segments.take(op[SEGMENTS] as usize).map(|segment| {
            let length = segment[2] as usize;
            SEGMENT_WORDS + length * count + if segment[0] < SHARED { length } else { 0 }
        });
        let parts = op[PART..].chunks_exact(3).take(PARTS);
        let biases = parts.filter(|part| part[2] > 0 && part[0] != NONE).count() * count;
        let read = OPERATION + segments.sum::<usize>() + biases + sum(&[ADD, ALSO]);
        let written: usize = match op[KIND] {
            // Level and −ln p, and the input they become.
            DRAW_LEVEL => 2 + sum(&[TO]),
            kind if kind > CELLS => 0,
            _ => sum(&[TO, CELLS_TO]),
        };
        self.stages_per_pixel += 1;
        self.barriers_per_pixel += BARRIERS;
        self.bytes_read_per_pixel += WORD * read;
        self.bytes_written_per_pixel += WORD * written;
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
            [65, 130, 197_416, 972, 58_724],
            [26, 52, 252_392, 1_932, 83_940],
            [40, 80, 287_084, 2_828, 113_060],
            [204, 408, 4_232_192, 27_492, 357_600],
        ];
        let found = ["mnist-pixelcnn", "mnist-row", "mnist-diagonal", "cifar10-pixelcnn"].map(|file| {
            let path = format!("{}/www/models/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).expect("a shipped network");
            let model = crate::weights::load(&bytes, &Device::flex()).expect("a good file").model;
            let plan = &Plan::of(&model)[0];
            let found = Figures::new(plan).expect("room");
            // Every weight of a sum is read, by every image anew.
            let pixels = plan.config.height * plan.config.width;
            assert!(found.bytes_read_per_pixel > WORD * plan.multiplications() / pixels, "{file}");
            let bytes = [found.bytes_read_per_pixel, found.bytes_written_per_pixel, found.bytes_per_image];
            let [read, written, image] = bytes;
            [found.stages_per_pixel, found.barriers_per_pixel, read, written, image]
        });
        assert_eq!(found, expected, "stages, barriers, bytes read and written a pixel, bytes an image");
    }
}
