//! How much of a row one launch draws, so that none keeps a GPU from what else it has to do.

use std::collections::VecDeque;
use std::time::Duration;

/// What a launch is to take. The GPU that draws is the one that shows the page, and drivers end what takes seconds: so one of twice
/// the usual time should be none too long either.
const USUAL: Duration = Duration::from_millis(25);

/// Multiplications of a workgroup's first launches, before anything is measured: milliseconds of a slow GPU.
const FIRST_MULTIPLICATIONS: usize = 10_000_000;

/// Rows over which their time is averaged: several may be reported at once, after a wait.
const ROWS: usize = 4;

/// Columns of a launch, by what rows were measured to take.
pub struct Pace {
    /// Columns of a row.
    width: usize,
    /// Launches that draw a column of all images.
    launches: usize,
    /// When the last rows were there, from any beginning.
    ends: VecDeque<Duration>,
    columns: usize,
}

impl Pace {
    /// That of rows of `width` columns, each so many `multiplications` of a workgroup, of images drawn in so many `launches`.
    pub fn new(width: usize, multiplications: usize, launches: usize) -> Self {
        let columns = (FIRST_MULTIPLICATIONS / multiplications).clamp(1, width);
        Self { width, launches, ends: VecDeque::new(), columns }
    }

    /// Columns of the next launches.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether a row is drawn in more than one launch.
    pub fn in_parts(&self) -> bool {
        self.columns < self.width
    }

    /// A row is there, at `end`. The first of them tells nothing: the kernel is compiled meanwhile.
    pub fn row_ended(&mut self, end: Duration) {
        if self.ends.len() > ROWS {
            self.ends.pop_front();
        }
        self.ends.push_back(end);
        let rows = self.ends.len() - 1;
        if rows == 0 {
            return;
        }
        let took = end.saturating_sub(self.ends[0]).div_f64((rows * self.launches) as f64);
        let fitting = self.width as f64 * USUAL.as_secs_f64() / took.as_secs_f64();
        let parts = self.width.div_ceil((fitting as usize).clamp(1, self.width));
        self.columns = self.width.div_ceil(parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer ones are seen on a page.
    const LONGEST: Duration = Duration::from_millis(50);

    fn pace(width: usize, launches: usize, ends_ms: &[u64]) -> Pace {
        let mut pace = Pace::new(width, FIRST_MULTIPLICATIONS, launches);
        ends_ms.iter().for_each(|&end| pace.row_ended(Duration::from_millis(end)));
        pace
    }

    #[test]
    fn a_launch_takes_the_columns_that_fit_and_as_many_as_the_next() {
        assert_eq!(Pace::new(28, 300_000, 1).columns(), 28);
        assert_eq!(Pace::new(32, 2_000_000, 1).columns(), 5);
        // Compiled for three seconds, and in no hurry after that.
        assert_eq!(pace(28, 1, &[3000]).columns(), 1);
        assert_eq!(pace(28, 1, &[3000, 3001]).columns(), 28);
        assert!(!pace(28, 1, &[3000, 3001]).in_parts());
        // 100 ms a row: four launches.
        assert_eq!(pace(28, 1, &[0, 100, 200]).columns(), 7);
        // Two columns more than fit: five and five, not seven and three.
        assert_eq!(pace(10, 1, &[0, 35]).columns(), 5);
        // Three times as many launches, each a third of it.
        assert_eq!(pace(28, 3, &[0, 300, 600]).columns(), 7);
        // Never nothing.
        assert_eq!(pace(28, 1, &[0, 60_000]).columns(), 1);
    }

    #[test]
    fn rows_reported_together_are_not_taken_for_fast_ones() {
        let late = pace(28, 1, &[0, 400, 400, 400, 400]);
        assert_eq!(late.columns(), 7);
        // Nor is one that nobody came for taken for a slow one for long.
        let mut waited = pace(28, 1, &[0, 10, 20, 9000]);
        assert!(waited.in_parts());
        (1..=ROWS as u64).for_each(|row| waited.row_ended(Duration::from_millis(9000 + 10 * row)));
        assert!(!waited.in_parts());
    }

    /// The longest launch of a GPU of constant speed.
    #[test]
    fn no_launch_takes_longer_than_it_may() {
        for ms_a_column in [1, 3, 10, 24, 49] {
            let (mut pace, mut now) = (Pace::new(32, FIRST_MULTIPLICATIONS, 1), Duration::ZERO);
            for _ in 0..32 {
                let launch = Duration::from_millis(ms_a_column) * pace.columns() as u32;
                assert!(launch <= LONGEST, "{ms_a_column} ms a column: {launch:?}");
                now += Duration::from_millis(ms_a_column * 32);
                pace.row_ended(now);
            }
        }
    }
}
