//! The feature maps of one image while it is drawn: the last few rows of each, in rings.

use super::plan::{Border, LANES, Place, Plan};

/// The feature maps of one image, as much of them as is still looked at.
pub struct Features {
    /// Every slot's values, one slot after another.
    pub values: Vec<f32>,
    areas: Vec<Area>,
    /// Where the rows of each slot start, seen from the current one: of every area, row by row upwards.
    rows: Vec<usize>,
}

/// Where a slot stands among the values.
struct Area {
    start: usize,
    /// Rows kept, and values a row.
    rows: usize,
    row: usize,
    /// Values a column; 0 where there is one pixel only.
    column: usize,
    halo: usize,
    /// Its first entry in [`Features::rows`].
    first_row: usize,
}

impl Features {
    /// Empty maps, borders filled.
    pub fn new(plan: &Plan) -> Self {
        let (mut areas, mut end, mut first_row) = (Vec::new(), 0, 0);
        for slot in &plan.slots {
            let (rows, map) = (slot.rows.max(1), slot.rows > 0);
            let row = if map { (plan.config.width + 2 * slot.halo) * slot.features } else { slot.features };
            let column = if map { slot.features } else { 0 };
            areas.push(Area { start: end, rows, row, column, halo: slot.halo, first_row });
            // Room for a whole vector behind the last feature.
            end += rows * row + LANES;
            first_row += rows;
        }
        let mut features = Self { values: vec![0.0; end], areas, rows: vec![0; first_row] };
        features.set_row(0);
        for (slot, shape) in plan.slots.iter().enumerate() {
            let (width, halo) = (plan.config.width as isize, shape.halo as isize);
            let (rows, columns, values): (_, Vec<isize>, _) = match &shape.border {
                Border::Zeros => continue,
                Border::Above(values) => (1..2, (0..width).collect(), values),
                Border::Beside(values) => (0..shape.rows, (-halo..0).chain(width..width + halo).collect(), values),
            };
            for (up, x) in rows.flat_map(|up| columns.iter().map(move |&x| (up, x))) {
                let place = features.place(slot, 0, Place { up, left: -x });
                features.values[place..place + values.len()].copy_from_slice(values);
            }
        }
        features
    }

    /// Puts a whole map, `[height, width, features]`, into a slot that keeps as many rows.
    pub fn fill(&mut self, slot: usize, map: &[f32]) {
        let Area { start, rows, row, .. } = self.areas[slot];
        assert_eq!(map.len(), rows * row, "a map of {rows} rows of {row} values");
        // Row y stands in place y of the ring.
        self.values[start..start + map.len()].copy_from_slice(map);
    }

    /// Makes `y` the current row. A division a row, where every read of every pixel would need one.
    pub fn set_row(&mut self, y: usize) {
        for area in &self.areas {
            for up in 0..area.rows {
                self.rows[area.first_row + up] = area.start + (y + area.rows - up) % area.rows * area.row;
            }
        }
    }

    /// Where the features of the pixel at `from`, seen from column `x` of the current row, stand in a slot.
    #[inline(always)]
    pub fn place(&self, slot: usize, x: usize, from: Place) -> usize {
        let area = &self.areas[slot];
        self.rows[area.first_row + from.up] + (x + area.halo).wrapping_add_signed(-from.left) * area.column
    }
}
