//! The fused sampler: a GPU draws whole rows by itself, with the cached sampler's plan and the cached sampler's sums.
//!
//! One launch draws a row of every image, or as much of it as the [`Pace`] allows: all layers of all pixels one after another, and
//! the draws too, from the same uniforms. A [`Workgroup`] draws some of the images, so that what it reads of weights serves all of
//! these. Of a Diagonal BiLSTM a second launch scans the finished row from right to left, a workgroup for some images and a layer.
//! On real GPUs a launch before each makes what its sums begin with, all columns at once: see [`ahead`].
//! Levels are read back a row at a time, while the next rows are being drawn already.

mod ahead;
mod device;
mod draws;
mod error;
mod figures;
mod fill;
mod kernel;
mod maths;
mod memory;
mod near;
mod operation;
mod outputs;
mod pace;
mod room;
mod softmax;
mod stage;
mod sums;
mod table;
mod words;
mod workgroup;

pub use device::FusedDevice;
pub use error::FusedError;
pub use figures::Figures;

use super::cascade::{Cascade, Scale, Scored};
use super::layout::Layout;
use super::plan::{HERE, Plan};
use super::request::Request;
use crate::model::ModelConfig;
use ahead::sum_ahead;
use cubecl::prelude::*;
use cubecl::server::Handle;
use error::first_line;
use kernel::draw_row;
use pace::Pace;
use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use table::{Table, weights};
use web_time::Instant;
use words::{BLOCK, NONE, QUAD, Shape};
use workgroup::Workgroup;

/// Rows asked for before the first of them is read: a browser may answer late, but it answers all that is done.
const ROWS_AHEAD: usize = 4;

/// Rounds of all loops that a thread makes in one launch: Mesa's software Vulkan ends the loops of a shader after 65,535.
const MOST_ROUNDS: usize = 60_000;

/// Workgroups of one launch.
const MOST_WORKGROUPS: usize = 65_535;

type Reading = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, FusedError>> + Send>>;

/// Draws the images of one request on a GPU, row by row.
pub type FusedSampler = Cascade<FusedScale>;

impl FusedSampler {
    /// A sampler before its first row, by the plans of all scales.
    ///
    /// # Errors
    /// When the request does not fit the plans' network, or that does not fit the GPU, or the GPU has failed before.
    pub fn new(device: &FusedDevice, plans: &[Arc<Plan>], request: Request) -> Result<Self, FusedError> {
        Self::open(plans.iter().cloned(), request, |plan, request| FusedScale::new(device, plan, request))
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
        match self.due() {
            Some(scale) => scale.next_row_async().await.map(|()| true),
            None => Ok(false),
        }
    }
}

/// Draws the images of one scale.
pub struct FusedScale {
    device: FusedDevice,
    plan: Arc<Plan>,
    request: Request,
    layout: Layout,
    workgroup: Workgroup,
    table: Table,
    weights: Handle,
    words: Handle,
    /// What the kernel gets where nothing is given.
    nothing_given: Handle,
    launches: Vec<Launch>,
    made: Instant,
    pace: Pace,
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
    /// Workgroups that draw them; the last one may have room for more images, which nobody reads.
    workgroups: usize,
    /// Their features; made when the first row is asked for.
    values: Option<Handle>,
}

impl Scale for FusedScale {
    fn config(&self) -> &ModelConfig {
        &self.plan.config
    }

    fn y(&self) -> usize {
        self.y
    }

    fn images(&self) -> impl Iterator<Item = &[u8]> {
        self.levels.chunks_exact(self.plan.config.dimensions())
    }

    fn condition(&mut self, small: &Self) {
        for k in 0..self.launches.len() {
            self.values(k, Some(&small.levels));
        }
    }
}

impl Scored for FusedScale {
    fn nll_nats_of_values(&self) -> impl Iterator<Item = &[f32]> {
        self.nll_nats.chunks_exact(self.plan.config.dimensions())
    }
}

impl FusedScale {
    fn new(device: &FusedDevice, plan: Arc<Plan>, request: Request) -> Result<Self, FusedError> {
        request.validate(&plan.config)?;
        device.check()?;
        let (layout, batch) = (Layout::new(&plan), request.count);
        let most = device.most_bytes();
        let truncates = request.sharpening.truncates();
        let table_for = |images| Table::fitting(&plan, &layout, device.workgroup(images), truncates);
        let (mut workgroup, mut table) = table_for(batch);
        let needed = size_of::<f32>() * table.values.max(plan.weights.len());
        if needed > most {
            return Err(FusedError::TooLarge { needed, most });
        }
        // An image has as many values in a workgroup of any size.
        let fitting = most / (size_of::<f32>() * table.values);
        if fitting < batch {
            (workgroup, table) = table_for(fitting);
        }
        let images = workgroup.images;
        let rounds = [Some(table.row), table.scan].into_iter().flatten().map(|shape| table.rounds(&shape));
        match rounds.max() {
            Some(needed) if device.short_loops() && needed > MOST_ROUNDS => {
                return Err(FusedError::TooLong { needed, most: MOST_ROUNDS });
            }
            _ => {}
        }
        let at_once = (fitting / images).min(MOST_WORKGROUPS) * images;
        let launch = |first: usize| {
            let count = at_once.min(batch - first);
            Launch { first, count, workgroups: count.div_ceil(images), values: None }
        };
        let launches: Vec<_> = (0..batch).step_by(at_once).map(launch).collect();
        let pace = Pace::new(plan.config.width, plan.weights.len() * images, launches.len());
        let client = device.client();
        let weights = client.create_from_slice(f32::as_bytes(&weights(&plan)));
        let words = client.create_from_slice(u32::as_bytes(&table.words));
        let nothing_given = client.create_from_slice(u32::as_bytes(&[NONE]));
        let dimensions = batch * plan.config.dimensions();
        Ok(Self {
            device: device.clone(),
            plan,
            request,
            layout,
            workgroup,
            table,
            weights,
            words,
            nothing_given,
            launches,
            made: Instant::now(),
            pace,
            asked: 0,
            y: 0,
            reading: VecDeque::new(),
            levels: vec![0; dimensions],
            nll_nats: vec![0.0; dimensions],
        })
    }

    async fn next_row_async(&mut self) -> Result<(), FusedError> {
        // In software a row that nobody waits for takes the time of one that somebody does.
        let ahead = if self.device.software() { 1 } else { ROWS_AHEAD };
        while self.asked < self.plan.config.height.min(self.y + ahead) {
            let row = self.ask(self.asked);
            self.reading.push_back(row);
            self.asked += 1;
        }
        let row = self.reading.pop_front().expect("a row that was asked for").await;
        // Ahead of what the read says: this is why.
        self.device.check()?;
        self.take(&row?);
        self.pace.row_ended(self.made.elapsed());
        Ok(())
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
        let values = self.values(k, None);
        let Launch { first, count, workgroups, .. } = self.launches[k];
        let images = workgroups * self.workgroup.images;
        let row_values = images * config.channels * config.width;
        let given = self.request.given.is_some().then(|| {
            let mut levels = Vec::with_capacity(row_values);
            for image in first..first + count {
                for channel in 0..config.channels {
                    let at = |x| self.request.given_at(&config, image, channel, y, x).map_or(NONE, u32::from);
                    levels.extend((0..config.width).map(at));
                }
            }
            levels.resize(row_values, NONE);
            client.create_from_slice(u32::as_bytes(&levels))
        });
        let drawn = client.empty(2 * row_values * size_of::<f32>());
        let request = &self.request;
        let given_length = if given.is_some() { row_values } else { 1 };
        let buffer = |handle: &Handle, length| {
            // SAFETY: each buffer was made with this length.
            unsafe { BufferArg::from_raw_parts(handle.clone(), length) }
        };
        let make_ahead = |shape: Shape, first_column: usize, columns: usize| {
            let operations = self.table.ahead(&shape);
            if operations == 0 {
                return;
            }
            let groups = self.table.ahead_threads(&shape, columns).div_ceil(shape.threads);
            // A scan goes from right to left.
            let first_column = if shape.scan { config.width - first_column - columns } else { first_column };
            // SAFETY: the table holds places of this layout only, and was made with these weights.
            unsafe {
                sum_ahead::launch_unchecked(
                    &client,
                    CubeCount::Static(workgroups as u32, operations as u32, groups as u32),
                    CubeDim::new_1d(shape.threads as u32),
                    buffer(&self.weights, self.plan.weights.len() / BLOCK),
                    buffer(&self.words, self.table.words.len() / QUAD),
                    buffer(&values, images * self.table.values),
                    self.table.first_ahead(&shape, y),
                    first_column as u32,
                    columns as u32,
                    self.table.values as u32,
                    0,
                    shape.before(),
                );
            }
        };
        let launch = |shape: Shape, scans: u32| {
            let shape = Shape { contract: self.device.contracts(), ..shape };
            let fitting =
                if self.device.short_loops() { MOST_ROUNDS / self.table.rounds(&shape) } else { config.width };
            let columns = self.pace.columns().min(fitting);
            for first_column in (0..config.width).step_by(columns) {
                let columns = columns.min(config.width - first_column);
                make_ahead(shape, first_column, columns);
                // SAFETY: as above.
                unsafe {
                    draw_row::launch_unchecked(
                        &client,
                        CubeCount::Static(workgroups as u32, scans, 1),
                        CubeDim::new_1d(shape.threads as u32),
                        buffer(&self.weights, self.plan.weights.len() / BLOCK),
                        buffer(&self.words, self.table.words.len() / QUAD),
                        buffer(&values, images * self.table.values),
                        buffer(given.as_ref().unwrap_or(&self.nothing_given), given_length),
                        buffer(&drawn, 2 * row_values),
                        self.table.first_operation(&shape, y),
                        self.table.first_fetch(&shape, y),
                        first_column as u32,
                        columns as u32,
                        self.table.operations(&shape) as u32,
                        self.table.stages(&shape) as u32,
                        self.table.values as u32,
                        config.width as u32,
                        config.channels as u32,
                        u32::from(given.is_some()),
                        request.seed as u32,
                        (request.seed >> 32) as u32,
                        request.first + first as u32,
                        (request.scale << 12 | y) as u32,
                        request.sharpening.temperature,
                        request.sharpening.most(shape.levels) as u32,
                        request.sharpening.share(),
                        0,
                        shape,
                    );
                }
                if self.pace.in_parts() {
                    // Otherwise many launches would reach the GPU as one. What fails is told by the read.
                    let _ = client.flush();
                }
            }
        };
        launch(self.table.row, 1);
        if let Some(scan) = self.table.scan
            && y + 1 < config.height
        {
            launch(scan, self.table.scans);
        }
        drawn
    }

    /// The features of the images of launch `k`, blank before the first row but for what the small images, those of the whole
    /// request, say.
    fn values(&mut self, k: usize, small: Option<&[u8]>) -> Handle {
        let (client, images, features) = (self.device.client(), self.workgroup.images, self.table.values);
        let Launch { first, count, workgroups, values } = &mut self.launches[k];
        let (first, count, workgroups) = (*first, *count, *workgroups);
        values
            .get_or_insert_with(|| {
                let length = workgroups * images * features;
                let values = client.empty(length * size_of::<f32>());
                let fill = |place: usize, from: &[f32], of_an_image: usize, stride: usize| {
                    let groups = (of_an_image * images).div_ceil(fill::THREADS).min(MOST_WORKGROUPS);
                    let handle = client.create_from_slice(f32::as_bytes(from));
                    // SAFETY: the buffers were made with these lengths, and what is read and written is of these images.
                    unsafe {
                        fill::fill::launch_unchecked(
                            client,
                            CubeCount::Static(groups as u32, workgroups as u32, 1),
                            CubeDim::new_1d(fill::THREADS as u32),
                            BufferArg::from_raw_parts(values.clone(), length),
                            BufferArg::from_raw_parts(handle, from.len()),
                            features as u32,
                            place as u32,
                            of_an_image as u32,
                            stride as u32,
                            images,
                        );
                    }
                };
                // What is made ahead of a row needs no beginning.
                fill(0, &self.layout.blank(&self.plan), self.layout.length(), 0);
                if let (Some(conditioning), Some(small)) = (&self.plan.conditioning, small) {
                    let dimensions = small.len() / self.request.count;
                    let small = small[first * dimensions..].chunks_exact(dimensions).take(count);
                    let map = |small| conditioning.upsampling.map(small, self.plan.config.levels);
                    let mut maps: Vec<f32> = small.flat_map(map).collect();
                    let of_an_image = maps.len() / count;
                    // Nobody reads those of the images that are too many.
                    maps.resize(workgroups * images * of_an_image, 0.0);
                    let place = self.layout.at(conditioning.slot, HERE, 0).start;
                    fill(place, &maps, of_an_image, of_an_image);
                }
                values
            })
            .clone()
    }

    /// Takes a row that was read: level and −ln p of `[image, channel, column]`.
    fn take(&mut self, row: &[Vec<f32>]) {
        let config = &self.plan.config;
        let (width, plane) = (config.width, config.width * config.height);
        let images = row.iter().zip(&self.launches);
        let rows =
            images.flat_map(|(values, launch)| values.chunks_exact(2 * width).take(launch.count * config.channels));
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

impl Drop for FusedScale {
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
