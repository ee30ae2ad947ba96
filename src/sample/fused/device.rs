//! The GPU that the fused sampler draws on.

use super::error::FusedError;
#[cfg(any(feature = "wgpu", feature = "webgpu"))]
use super::error::first_line;
use cubecl::client::Client;
use std::sync::{Arc, OnceLock};

/// Threads of a workgroup. A layer of few outputs shares its sums out among all of them.
const THREADS: usize = 128;

/// The same where threads are a loop on a CPU.
const SOFTWARE_THREADS: usize = 32;

/// An opened GPU.
#[derive(Clone)]
pub struct FusedDevice {
    client: Client,
    name: String,
    software: bool,
    contracts: bool,
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
        Self { client, name: name.to_owned(), software, contracts: false, fault }
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
            Ok(Self::of_wgpu(&setup.device, &format!("{} ({})", adapter.name, adapter.backend), software))
        });
        opened.clone().map_err(FusedError::NoDevice)
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
            Self { name: client.name().to_string(), client, software: false, contracts: false, fault: Fault::default() }
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

    pub(super) fn contracts(&self) -> bool {
        self.contracts
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn threads(&self) -> usize {
        if self.software { SOFTWARE_THREADS } else { THREADS }
    }
}
