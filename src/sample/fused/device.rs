//! The GPU that the fused sampler draws on.

use super::error::FusedError;
#[cfg(any(feature = "wgpu", feature = "webgpu"))]
use super::error::first_line;
use super::workgroup::{Adapter, Workgroup};
use cubecl::client::Client;
use std::sync::{Arc, OnceLock};

/// Bytes of the features of images drawn in one launch, at most: those of some thousand images, where the GPU binds as much.
const MOST_BYTES: u64 = 1 << 30;

/// Cores of a GPU that does not say how many it has, as WebGPU never does: of small ones, so that large ones may have some idle.
const USUAL_CORES: usize = 16;

/// The same where it is known to be a card of its own: they have twenty to a hundred and fifty.
#[cfg(feature = "wgpu")]
const USUAL_CARD_CORES: usize = 64;

/// The same of a computer, where it is not known, as in browsers.
const USUAL_SOFTWARE_CORES: usize = 4;

/// An opened GPU.
#[derive(Clone)]
pub struct FusedDevice {
    client: Client,
    name: String,
    software: bool,
    /// Whether it ends the loops of a launch early, as Mesa's software does.
    short_loops: bool,
    /// Cores that it is taken to have, where it does not say.
    usual_cores: usize,
    contracts: bool,
    /// Images of a workgroup whatever the batch, as a power of two.
    images: Option<u32>,
    /// Bytes of the features of images drawn in one launch.
    most_bytes: usize,
    fault: Fault,
}

/// What the device was found to refuse first. A GPU goes on after that, but what it draws is not to be believed: a refused
/// launch leaves memory as it was.
type Fault = Arc<OnceLock<FusedError>>;

impl FusedDevice {
    /// The GPU that burn has opened as its default wgpu device, under the name it gave itself. `software`: whether it computes
    /// on the CPU. What it refuses from here on is an error of the row that is drawn.
    #[cfg(any(feature = "wgpu", feature = "webgpu"))]
    pub fn of_wgpu(device: &wgpu::Device, name: &str, software: bool) -> Self {
        let fault = Fault::default();
        let noticed = fault.clone();
        // Takes the place of CubeCL's, which panics: in a browser that ends the worker, and nobody learns why.
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let fault = match error {
                wgpu::Error::OutOfMemory { .. } => FusedError::OutOfMemory,
                other => FusedError::Refused(first_line(&other)),
            };
            let _ = noticed.set(fault);
        }));
        let client = cubecl::Device::Wgpu(cubecl::device::WgpuDevice::default()).client();
        Self::opened(client, name.to_owned(), software, fault)
    }

    /// Opens the default GPU through wgpu, once a process; software adapters too.
    ///
    /// # Errors
    /// When there is none.
    #[cfg(feature = "wgpu")]
    pub fn open_wgpu() -> Result<Self, FusedError> {
        use burn::tensor::Device;
        static OPENED: OnceLock<Result<FusedDevice, String>> = OnceLock::new();
        let opened = OPENED.get_or_init(|| {
            let (_, setup) = Device::wgpu_options().init_with_setup().map_err(|error| first_line(&error))?;
            let adapter = setup.adapter.get_info();
            let software = adapter.device_type == wgpu::DeviceType::Cpu;
            let mut device = Self::of_wgpu(&setup.device, &format!("{} ({})", adapter.name, adapter.backend), software);
            if adapter.device_type == wgpu::DeviceType::DiscreteGpu {
                device.usual_cores = USUAL_CARD_CORES;
            }
            Ok(device)
        });
        opened.clone().map_err(FusedError::NoDevice)
    }

    fn opened(client: Client, name: String, software: bool, fault: Fault) -> Self {
        let most_bytes = client.properties().memory.max_page_size.min(MOST_BYTES) as usize;
        let usual_cores = if software { USUAL_SOFTWARE_CORES } else { USUAL_CORES };
        Self {
            client,
            name,
            software,
            short_loops: software,
            usual_cores,
            contracts: false,
            images: None,
            most_bytes,
            fault,
        }
    }

    /// Whether the device has done all it was asked to, as far as is known.
    ///
    /// # Errors
    /// When it has refused something.
    pub fn check(&self) -> Result<(), FusedError> {
        self.fault.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Opens the first CUDA device.
    ///
    /// # Errors
    /// When there is none.
    #[cfg(feature = "cuda")]
    pub fn open_cuda() -> Result<Self, FusedError> {
        // The driver's library panics where there is none.
        std::panic::catch_unwind(|| {
            let client = cubecl::Device::Cuda(cubecl::device::CudaDevice::default()).client();
            let name = client.name().to_string();
            Self::opened(client, name, false, Fault::default())
        })
        .map_err(|_| FusedError::NoDevice("no CUDA driver answers".to_owned()))
    }

    /// What the adapter calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a software adapter, which computes on the CPU.
    pub fn software(&self) -> bool {
        self.software
    }

    /// The same, as a bad driver would have it: products and sums in one rounding. For the test of the start-up test.
    #[doc(hidden)]
    pub fn contracting(self) -> Self {
        Self { contracts: true, ..self }
    }

    /// The same, with 2^`images` images a workgroup. For tests.
    #[doc(hidden)]
    pub fn grouping(self, images: u32) -> Self {
        Self { images: Some(images), ..self }
    }

    /// The same, taken for one whose threads are real. For tests where there are none.
    #[doc(hidden)]
    pub fn as_hardware(self) -> Self {
        Self { software: false, ..self }
    }

    /// The same, with room for so many bytes of features in a launch. For tests.
    #[doc(hidden)]
    pub fn with_bytes(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    pub(super) fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    pub(super) fn short_loops(&self) -> bool {
        self.short_loops
    }

    pub(super) fn contracts(&self) -> bool {
        self.contracts
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The workgroup that draws images of such a batch.
    pub(super) fn workgroup(&self, batch: usize) -> Workgroup {
        let hardware = &self.client.properties().hardware;
        let cores = if self.software {
            std::thread::available_parallelism().ok().map(usize::from)
        } else {
            hardware.num_streaming_multiprocessors.map(|cores| cores as usize)
        };
        let memory = hardware.max_shared_memory_size / size_of::<f32>();
        let adapter = Adapter { software: self.software, cores: cores.unwrap_or(self.usual_cores), memory };
        match self.images {
            Some(images) => adapter.workgroup_of(images),
            None => adapter.workgroup(batch),
        }
    }
}
