//! The GPU that the fused sampler draws on.

use cubecl::client::Client;

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
}

impl FusedDevice {
    /// The GPU that burn has opened as its default wgpu device, under the name it gave itself. `software`: whether it is a CPU in
    /// disguise.
    #[cfg(any(feature = "wgpu", feature = "webgpu"))]
    pub fn of_wgpu(name: &str, software: bool) -> Self {
        let client = cubecl::Device::Wgpu(cubecl::device::WgpuDevice::default()).client();
        Self { client, name: name.to_owned(), software }
    }

    /// Opens the default GPU through wgpu, once a process; software adapters too.
    ///
    /// # Errors
    /// When there is none.
    #[cfg(feature = "wgpu")]
    pub fn open_wgpu() -> Result<Self, super::FusedError> {
        use burn::tensor::Device;
        use std::sync::OnceLock;
        static OPENED: OnceLock<Result<(String, bool), String>> = OnceLock::new();
        let opened = OPENED.get_or_init(|| {
            let (_, setup) =
                Device::wgpu_options().init_with_setup().map_err(|error| super::error::first_line(&error))?;
            let adapter = setup.adapter.get_info();
            let software = adapter.device_type == wgpu::DeviceType::Cpu;
            Ok((format!("{} ({})", adapter.name, adapter.backend), software))
        });
        let (name, software) = opened.clone().map_err(super::FusedError::NoDevice)?;
        Ok(Self::of_wgpu(&name, software))
    }

    /// Opens the first CUDA device.
    ///
    /// # Errors
    /// When there is none.
    #[cfg(feature = "cuda")]
    pub fn open_cuda() -> Result<Self, super::FusedError> {
        // The driver's library panics where there is none.
        std::panic::catch_unwind(|| {
            let client = cubecl::Device::Cuda(cubecl::device::CudaDevice::default()).client();
            Self { name: client.name().to_string(), client, software: false }
        })
        .map_err(|_| super::FusedError::NoDevice("no CUDA driver answers".to_owned()))
    }

    /// Whether it computes what the CPU computes, on tiny networks.
    ///
    /// # Errors
    /// When it does not.
    #[cfg(not(target_family = "wasm"))]
    pub fn test(&self) -> Result<(), crate::selftest::SelfTestError> {
        cubecl::future::block_on(crate::selftest::run_fused(self))
    }

    /// What the adapter calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a CPU in disguise.
    pub fn software(&self) -> bool {
        self.software
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn threads(&self) -> usize {
        if self.software { SOFTWARE_THREADS } else { THREADS }
    }
}
