//! The fused sampler: a GPU draws whole rows by itself, with the cached sampler's plan and the cached sampler's sums.
//!
//! One launch draws a row of every image: a workgroup an image, all layers of all pixels of the row one after another,
//! and the draws too, from the same uniforms. Of a Diagonal BiLSTM a second launch scans the finished row from right to left,
//! a workgroup an image and layer. Levels are read back a row at a time, while the next rows are being drawn already.

mod device;
mod error;
mod kernel;
mod maths;
mod operation;
mod softmax;
mod table;

pub use device::FusedDevice;
pub use error::FusedError;

use super::layout::Layout;
use super::plan::Plan;
use super::request::{Given, Request};
use cubecl::prelude::*;
use cubecl::server::Handle;
use error::{MOST_BYTES, first_line};
use kernel::{Shape, draw_row};
use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use table::{NONE, Table};

/// Rows asked for before the first of them is read: a browser may answer late, but it answers all that is done.
const ROWS_AHEAD: usize = 4;

/// Images of one launch.
const MOST_IMAGES: usize = 65_535;

type Reading = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, FusedError>> + Send>>;

/// Draws the images of one request on a GPU, row by row.
pub struct FusedSampler {
    device: FusedDevice,
    plan: Arc<Plan>,
    request: Request,
    /// Draws the small images these are drawn from, where there are any.
    small: Option<Box<FusedSampler>>,
    layout: Layout,
    table: Table,
    weights: Handle,
    words: Handle,
    /// What the kernel gets where nothing is given.
    nothing_given: Handle,
    launches: Vec<Launch>,
    /// Rows asked for, and rows read.
    asked: usize,
    y: usize,
    reading: VecDeque<Reading>,
    levels: Vec<u8>,
    nll_nats: Vec<f32>,
}

/// Images drawn in one launch.
struct Launch {
    first: usize,
    count: usize,
    /// Their features; made when the first row is asked for, which may need the small images.
    values: Option<Handle>,
}

impl FusedSampler {
    /// A sampler before its first row.
    ///
    /// # Errors
    /// When the request does not fit the plan's network, or that does not fit the GPU, or the GPU has failed before.
    pub fn new(device: &FusedDevice, plan: Arc<Plan>, request: Request) -> Result<Self, FusedError> {
        request.validate(&plan.config)?;
        device.check()?;
        let layout = Layout::new(&plan);
        let table = Table::new(&plan, &layout, device.threads())?;
        let small = plan.conditioning.as_ref().map(|conditioning| {
            Self::new(device, conditioning.small.clone(), request.small(&plan.config)).map(Box::new)
        });
        let small = small.transpose()?;
        let needed = layout.length() * size_of::<f32>();
        if needed > MOST_BYTES || plan.weights.len() * size_of::<f32>() > MOST_BYTES {
            return Err(FusedError::TooLarge { needed });
        }
        let at_once = (MOST_BYTES / needed).min(MOST_IMAGES);
        let launches = (0..request.count).step_by(at_once);
        let launches =
            launches.map(|first| Launch { first, count: at_once.min(request.count - first), values: None }).collect();
        let client = device.client();
        let weights = client.create_from_slice(f32::as_bytes(&plan.weights));
        let words = client.create_from_slice(u32::as_bytes(&table.words));
        let nothing_given = client.create_from_slice(u32::as_bytes(&[NONE]));
        let dimensions = request.count * plan.config.dimensions();
        Ok(Self {
            device: device.clone(),
            plan,
            request,
            small,
            layout,
            table,
            weights,
            words,
            nothing_given,
            launches,
            asked: 0,
            y: 0,
            reading: VecDeque::new(),
            levels: vec![0; dimensions],
            nll_nats: vec![0.0; dimensions],
        })
    }

    /// The row drawn next, of the scale drawn next.
    pub fn y(&self) -> usize {
        self.of_scale(self.scale()).y
    }

    /// The scale whose row is drawn next: 0 for the smallest image; the image itself is the last.
    pub fn scale(&self) -> usize {
        match &self.small {
            Some(small) if !small.done() => small.scale(),
            _ => self.plan.scales().len() - 1,
        }
    }

    /// Whether every row of every scale is drawn.
    pub fn done(&self) -> bool {
        self.y == self.plan.config.height
    }

    /// The sampler of one scale.
    ///
    /// # Panics
    /// When there is no such scale.
    pub fn of_scale(&self, scale: usize) -> &Self {
        if scale + 1 == self.plan.scales().len() {
            return self;
        }
        self.small.as_ref().expect("a scale of this network").of_scale(scale)
    }

    /// Levels so far, `[count, channels, height, width]`; 0 where nothing is drawn yet.
    pub fn levels(&self) -> &[u8] {
        &self.levels
    }

    /// −ln p of every value of this scale decided so far, at temperature 1, in the order of the levels.
    pub fn nll_nats_of_values(&self) -> &[f32] {
        &self.nll_nats
    }

    /// −ln p of every image as far as it is decided, over all scales.
    pub fn nll_nats(&self) -> Vec<f32> {
        let images = self.nll_nats.chunks_exact(self.plan.config.dimensions());
        let own = images.map(|image| image.iter().map(|&nll| f64::from(nll)).sum::<f64>() as f32);
        match &self.small {
            Some(small) => own.zip(small.nll_nats()).map(|(own, small)| own + small).collect(),
            None => own.collect(),
        }
    }

    /// Draws the next row of every image, of the smallest scale first; false when there is none left. Blocks: not for browsers.
    ///
    /// # Errors
    /// When the device fails.
    #[cfg(not(target_family = "wasm"))]
    pub fn next_row(&mut self) -> Result<bool, FusedError> {
        cubecl::future::block_on(self.next_row_async())
    }

    /// The same without blocking.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn next_row_async(&mut self) -> Result<bool, FusedError> {
        if let Some(small) = &mut self.small
            && Box::pin(small.next_row_async()).await?
        {
            return Ok(true);
        }
        let height = self.plan.config.height;
        if self.done() {
            return Ok(false);
        }
        // In software a row that nobody waits for takes the time of one that somebody does.
        let ahead = if self.device.software() { 1 } else { ROWS_AHEAD };
        while self.asked < height.min(self.y + ahead) {
            let row = self.ask(self.asked);
            self.reading.push_back(row);
            self.asked += 1;
        }
        let row = self.reading.pop_front().expect("a row that was asked for").await;
        // Ahead of what the read says: this is why.
        self.device.check()?;
        self.take(&row?);
        Ok(true)
    }

    /// The request that is left: the rows drawn so far are given. Of several scales it is the whole request, because small
    /// images cannot be given: they are drawn again, the same.
    pub fn rest(&self) -> Request {
        if self.small.is_some() {
            return self.request.clone();
        }
        let config = &self.plan.config;
        let (width, plane) = (config.width, config.width * config.height);
        let (dimensions, drawn) = (config.dimensions(), self.y * width);
        let whole = |values: &[u8], one: usize| -> Vec<u8> {
            if values.len() == one { values.repeat(self.request.count) } else { values.to_vec() }
        };
        let Given { mut levels, mut mask } = match &self.request.given {
            Some(Given { levels, mask }) => Given { levels: whole(levels, dimensions), mask: whole(mask, plane) },
            None => Given { levels: self.levels.clone(), mask: vec![1; self.request.count * plane] },
        };
        for (known, own) in levels.chunks_exact_mut(plane).zip(self.levels.chunks_exact(plane)) {
            known[..drawn].copy_from_slice(&own[..drawn]);
        }
        for mask in mask.chunks_exact_mut(plane) {
            mask[..drawn].fill(0);
        }
        Request { given: Some(Given { levels, mask }), ..self.request.clone() }
    }

    /// Launches row `y`.
    fn ask(&mut self, y: usize) -> Reading {
        let client = self.device.client().clone();
        let drawn = (0..self.launches.len()).map(|k| self.launch(k, y)).collect();
        let mut reading: Reading = Box::pin(async move {
            let bytes = client.read_async(drawn).await.map_err(|error| FusedError::Lost(first_line(&error)))?;
            Ok(bytes.iter().map(|bytes| f32::from_bytes(bytes).to_vec()).collect())
        });
        // Polled once, so that the device hears of it now and not when the rows before have been read.
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(row) => Box::pin(ready(row)),
            Poll::Pending => reading,
        }
    }

    /// Draws row `y` of launch `k` and scans it; gives where levels and −ln p will be.
    fn launch(&mut self, k: usize, y: usize) -> Handle {
        let (client, config) = (self.device.client().clone(), self.plan.config.clone());
        let values = self.values(k);
        let Launch { first, count, .. } = self.launches[k];
        let row_values = count * config.channels * config.width;
        let given = self.request.given.is_some().then(|| {
            let mut levels = Vec::with_capacity(row_values);
            for image in first..first + count {
                for channel in 0..config.channels {
                    let at = |x| self.request.given_at(&config, image, channel, y, x).map_or(NONE, u32::from);
                    levels.extend((0..config.width).map(at));
                }
            }
            client.create_from_slice(u32::as_bytes(&levels))
        });
        let drawn = client.empty(2 * row_values * size_of::<f32>());
        let request = &self.request;
        let [row_operation, scan_operation] = self.table.first_operations(y);
        let given_length = if given.is_some() { row_values } else { 1 };
        let launch = |shape: Shape, first_operation: u32, workgroups: u32| {
            let buffer = |handle: &Handle, length| {
                // SAFETY: each buffer was made with this length.
                unsafe { BufferArg::from_raw_parts(handle.clone(), length) }
            };
            // SAFETY: the table holds places of this layout only, and was made with these weights.
            unsafe {
                draw_row::launch_unchecked(
                    &client,
                    CubeCount::Static(count as u32, workgroups, 1),
                    CubeDim::new_1d(shape.threads as u32),
                    buffer(&self.weights, self.plan.weights.len()),
                    buffer(&self.words, self.table.words.len()),
                    buffer(&values, count * self.layout.length()),
                    buffer(given.as_ref().unwrap_or(&self.nothing_given), given_length),
                    buffer(&drawn, 2 * row_values),
                    first_operation,
                    u32::from(given.is_some()),
                    request.seed as u32,
                    (request.seed >> 32) as u32,
                    request.first + first as u32,
                    (request.scale << 12 | y) as u32,
                    request.temperature,
                    shape,
                );
            }
        };
        launch(self.table.row, row_operation, 1);
        if let Some(scan) = self.table.scan
            && y + 1 < config.height
        {
            launch(scan, scan_operation, self.table.scans);
        }
        drawn
    }

    /// The features of the images of launch `k`, blank before the first row but for what the small images say.
    fn values(&mut self, k: usize) -> Handle {
        let Launch { first, count, values } = &mut self.launches[k];
        let (first, count) = (*first, *count);
        values
            .get_or_insert_with(|| {
                let blank = self.layout.blank(&self.plan);
                let mut images = blank.repeat(count);
                if let (Some(conditioning), Some(small)) = (&self.plan.conditioning, &self.small) {
                    let dimensions = conditioning.small.config.dimensions();
                    let levels = small.levels[first * dimensions..].chunks_exact(dimensions);
                    for (image, levels) in images.chunks_exact_mut(blank.len()).zip(levels) {
                        let map = conditioning.upsampling.map(levels, self.plan.config.levels);
                        self.layout.fill(image, conditioning.slot, &map);
                    }
                }
                self.device.client().create_from_slice(f32::as_bytes(&images))
            })
            .clone()
    }

    /// Takes a row that was read: level and −ln p of `[image, channel, column]`.
    fn take(&mut self, row: &[Vec<f32>]) {
        let config = &self.plan.config;
        let (width, plane) = (config.width, config.width * config.height);
        let rows = row.iter().flat_map(|launch| launch.chunks_exact(2 * width));
        for (k, values) in rows.enumerate() {
            let start = k * plane + self.y * width;
            for (x, value) in values.chunks_exact(2).enumerate() {
                self.levels[start + x] = value[0] as u8;
                self.nll_nats[start + x] = value[1];
            }
        }
        self.y += 1;
    }
}

impl Drop for FusedSampler {
    /// Reads that were asked for are waited for, elsewhere: the runtime gives the buffer of a read that is given up to the next
    /// one, while the browser is still busy with it.
    fn drop(&mut self) {
        for reading in self.reading.drain(..) {
            cubecl::future::spawn_detached(async move {
                let _ = reading.await;
            });
        }
    }
}
