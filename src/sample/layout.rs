//! Where the features of an image stand while it is drawn: the last few rows of each map, in rings, one slot after another.

use super::plan::{Border, Place, Plan, Slot};
use std::ops::Range;

/// A place in a row: at column x it is `start + x · column`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// Its place at column 0.
    pub start: usize,
    /// Values a column; 0 where there is one pixel only.
    pub column: usize,
}

impl At {
    /// Its place at column `x`.
    #[inline(always)]
    pub fn x(self, x: usize) -> usize {
        self.start + x * self.column
    }

    /// The place of feature `k` of those that start here.
    pub fn feature(self, k: usize) -> Self {
        Self { start: self.start + k, ..self }
    }
}

/// The places of all slots of a plan. Images drawn together share it: each has its own values, laid out alike.
#[derive(Clone, Debug)]
pub struct Layout {
    areas: Vec<Area>,
    length: usize,
}

/// Where a slot stands among the values.
#[derive(Clone, Copy, Debug)]
struct Area {
    start: usize,
    /// Rows kept, and values a row.
    rows: usize,
    row: usize,
    /// Values a column; 0 where there is one pixel only.
    column: usize,
    halo: usize,
}

impl Area {
    fn new(slot: &Slot, width: usize, start: usize) -> Self {
        let (rows, map) = (slot.rows.max(1), slot.rows > 0);
        let row = if map { (width + 2 * slot.halo) * slot.features } else { slot.features };
        Self { start, rows, row, column: if map { slot.features } else { 0 }, halo: slot.halo }
    }
}

impl Layout {
    /// The slots of `plan`, one after another.
    pub fn new(plan: &Plan) -> Self {
        let mut length = 0;
        let areas = plan.slots.iter().map(|slot| {
            let area = Area::new(slot, plan.config.width, length);
            length += area.rows * area.row;
            area
        });
        Self { areas: areas.collect(), length }
    }

    /// Values of an image.
    #[cfg(feature = "fused")]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Rows after which the places of all slots come round again, or those of an image where these are fewer.
    pub fn phases(&self, height: usize) -> usize {
        self.areas.iter().fold(1, |phases, area| lcm(phases, area.rows)).min(height)
    }

    /// Values of an image before its first row: zeros, and the borders of its slots.
    pub fn blank(&self, plan: &Plan) -> Vec<f32> {
        let mut values = vec![0.0; self.length];
        for (slot, shape) in plan.slots.iter().enumerate() {
            let (width, halo) = (plan.config.width as isize, shape.halo as isize);
            let (rows, columns, border): (_, Vec<isize>, _) = match &shape.border {
                Border::Zeros => continue,
                Border::Above(values) => (1..2, (0..width).collect(), values),
                Border::Beside(values) => (0..shape.rows, (-halo..0).chain(width..width + halo).collect(), values),
            };
            for (up, x) in rows.flat_map(|up| columns.iter().map(move |&x| (up, x))) {
                let at = self.at(slot, Place { up, left: -x }, 0).start;
                values[at..at + border.len()].copy_from_slice(border);
            }
        }
        values
    }

    /// Puts a whole map, `[height, width, features]`, into a slot that keeps as many rows.
    pub fn fill(&self, values: &mut [f32], slot: usize, map: &[f32]) {
        let Area { start, rows, row, .. } = self.areas[slot];
        assert_eq!(map.len(), rows * row, "a map of {rows} rows of {row} values");
        // Row y stands in place y of the ring.
        values[start..start + map.len()].copy_from_slice(map);
    }

    /// Row `y` of all maps, of an image that has just drawn it.
    pub fn row(&self, values: &[f32], y: usize) -> Vec<f32> {
        self.rows_at(y).flat_map(|row| &values[row]).copied().collect()
    }

    /// Puts row `y` of all maps, as of another image, among the values.
    pub fn put_row(&self, values: &mut [f32], y: usize, mut row: &[f32]) {
        for to in self.rows_at(y) {
            let (own, rest) = row.split_at(to.len());
            values[to].copy_from_slice(own);
            row = rest;
        }
    }

    /// Where row `y` of each map stands.
    fn rows_at(&self, y: usize) -> impl Iterator<Item = Range<usize>> {
        self.areas.iter().filter(|area| area.column > 0).map(move |area| {
            let start = area.start + y % area.rows * area.row;
            start..start + area.row
        })
    }

    /// Where the features of a slot's pixel at `from`, seen from row `y`, stand.
    pub fn at(&self, slot: usize, from: Place, y: usize) -> At {
        let Area { start, rows, row, column, halo } = self.areas[slot];
        let column_0 = halo.wrapping_add_signed(-from.left) * column;
        At { start: start + (y + rows - from.up) % rows * row + column_0, column }
    }
}

fn lcm(a: usize, b: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    a / gcd(a, b) * b
}
