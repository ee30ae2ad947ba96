//! What was found in the files of one's own pictures, for the person who put them there.

use image::DynamicImage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names that a list is cut to.
const NAMES: usize = 10;

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// What one picture is like, before anything is made of it.
#[derive(Clone, Debug)]
pub struct Look {
    /// Width and height.
    pub size: [usize; 2],
    /// Whether any pixel is transparent.
    pub transparent: bool,
    /// Whether red, green and blue differ anywhere.
    pub colourful: bool,
    /// How often each brightness occurs, over all channels of what is not transparent.
    pub histogram: Vec<u64>,
    /// The most frequent colour on the edge.
    pub edge: [u8; 3],
}

impl Look {
    /// Looks at a picture.
    pub fn of(picture: &DynamicImage) -> Self {
        let rgba = picture.to_rgba8();
        let (width, height) = rgba.dimensions();
        let mut histogram = vec![0; 256];
        let (mut transparent, mut colourful) = (false, false);
        for pixel in rgba.pixels() {
            let [red, green, blue, alpha] = pixel.0;
            transparent |= alpha < 255;
            if alpha < 128 {
                continue;
            }
            colourful |= red != green || green != blue;
            pixel.0[..3].iter().for_each(|&byte| histogram[usize::from(byte)] += 1);
        }
        let mut edge = BTreeMap::new();
        for (x, y, pixel) in rgba.enumerate_pixels() {
            if x == 0 || y == 0 || x + 1 == width || y + 1 == height {
                *edge.entry([pixel.0[0], pixel.0[1], pixel.0[2]]).or_insert(0) += 1;
            }
        }
        let edge = edge.into_iter().max_by_key(|&(_, count)| count).map_or([0; 3], |(color, _)| color);
        Self { size: [width as usize, height as usize], transparent, colourful, histogram, edge }
    }
}

/// What was found in all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Pictures that can be used.
    pub pictures: usize,
    /// Files that show the same pixels as another, which is used.
    pub copies: usize,
    /// Files in folders that are no pictures by their names.
    pub others: usize,
    /// Files that cannot be used, and why.
    pub unreadable: Vec<(String, String)>,
    /// How many pictures there are of each width and height, and the first file of that size.
    pub sizes: Vec<([usize; 2], usize, String)>,
    /// Pictures with transparent pixels.
    pub transparent: usize,
    /// Pictures with colour.
    pub colourful: usize,
    /// How often each brightness occurs.
    pub histogram: Vec<u64>,
    /// How many pictures have each colour most often on their edge.
    pub edges: Vec<([u8; 3], usize)>,
}

impl Report {
    /// Counts a picture in.
    pub fn add(&mut self, name: &str, look: &Look) {
        self.pictures += 1;
        self.transparent += usize::from(look.transparent);
        self.colourful += usize::from(look.colourful);
        self.histogram.resize(256, 0);
        self.histogram.iter_mut().zip(&look.histogram).for_each(|(sum, count)| *sum += count);
        match self.sizes.iter_mut().find(|(size, ..)| *size == look.size) {
            Some((_, count, _)) => *count += 1,
            None => self.sizes.push((look.size, 1, name.to_owned())),
        }
        match self.edges.iter_mut().find(|(color, _)| *color == look.edge) {
            Some((_, count)) => *count += 1,
            None => self.edges.push((look.edge, 1)),
        }
    }

    /// Counts the pictures of another report in.
    pub fn merge(&mut self, other: Self) {
        self.pictures += other.pictures;
        self.copies += other.copies;
        self.others += other.others;
        self.unreadable.extend(other.unreadable);
        self.transparent += other.transparent;
        self.colourful += other.colourful;
        self.histogram.resize(256, 0);
        self.histogram.iter_mut().zip(&other.histogram).for_each(|(sum, count)| *sum += count);
        for (size, count, name) in other.sizes {
            match self.sizes.iter_mut().find(|(known, ..)| *known == size) {
                Some((_, sum, _)) => *sum += count,
                None => self.sizes.push((size, count, name)),
            }
        }
        for (color, count) in other.edges {
            match self.edges.iter_mut().find(|(known, _)| *known == color) {
                Some((_, sum)) => *sum += count,
                None => self.edges.push((color, count)),
            }
        }
    }

    /// Brightnesses that occur.
    pub fn brightnesses(&self) -> usize {
        self.histogram.iter().filter(|&&count| count > 0).count()
    }

    /// Root mean square of what rounding to so many levels changes, as a share of full brightness.
    pub fn rounding_error(&self, levels: u16) -> f64 {
        let (mut sum, mut values) = (0.0, 0.0);
        for (byte, &count) in self.histogram.iter().enumerate() {
            let level = crate::image::byte_to_level(byte as u8, levels);
            let off = f64::from(level) / f64::from(levels - 1) - byte as f64 / 255.0;
            sum += off * off * count as f64;
            values += count as f64;
        }
        if values == 0.0 { 0.0 } else { (sum / values).sqrt() }
    }

    /// The sizes, the most frequent first.
    pub fn sizes_by_count(&self) -> Vec<&([usize; 2], usize, String)> {
        let mut sizes: Vec<_> = self.sizes.iter().collect();
        sizes.sort_by_key(|(size, count, _)| (std::cmp::Reverse(*count), *size));
        sizes
    }

    /// What to tell, a line each; `size` is the one that they are made to fit, where that is known.
    pub fn lines(&self, size: Option<[usize; 2]>) -> Vec<String> {
        let mut lines = Vec::new();
        let sizes = self.sizes_by_count();
        let of_size = |(size, count, name): &([usize; 2], usize, String)| {
            format!("{count} of {}×{} ({name}{})", size[0], size[1], if *count > 1 { ", ..." } else { "" })
        };
        match sizes[..] {
            [] => lines.push("no picture can be used".to_owned()),
            [only] if size.is_none_or(|size| size == only.0) => {
                lines.push(format!("{} pictures of {}×{}", self.pictures, only.0[0], only.0[1]));
            }
            _ => {
                let listed: Vec<String> = sizes.iter().take(4).map(|size| of_size(size)).collect();
                let more = if sizes.len() > 4 { format!(" and {} more sizes", sizes.len() - 4) } else { String::new() };
                let to = size.map_or(String::new(), |[width, height]| format!(", made to fit {width}×{height}"));
                lines.push(format!("{} pictures: {}{more}{to}", self.pictures, listed.join(", ")));
            }
        }
        if self.copies > 0 {
            lines.push(format!("left out, the same pixels as another: {}", counted(self.copies)));
        }
        if self.others > 0 {
            lines.push(format!("left out, no pictures by their names: {}", counted(self.others)));
        }
        if !self.unreadable.is_empty() {
            lines.push(format!("left out, cannot be read: {}", counted(self.unreadable.len())));
            let listed = self.unreadable.iter().take(NAMES);
            lines.extend(listed.map(|(name, why)| format!("  {name}: {why}")));
            if self.unreadable.len() > NAMES {
                lines.push(format!("  and {} more", self.unreadable.len() - NAMES));
            }
        }
        lines
    }
}
