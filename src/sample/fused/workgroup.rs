//! How the images of a batch are shared out among workgroups.

/// Most images of a workgroup.
const MOST_IMAGES: usize = 16;

/// Threads of a workgroup. A layer of few outputs shares its sums out among all of them.
const THREADS: usize = 128;

/// The same where threads are a loop on a CPU.
const SOFTWARE_THREADS: usize = 8;

/// Neighbouring threads that make the same sums, of images side by side, where there are enough of these.
const LANES: usize = 16;
const SOFTWARE_LANES: usize = 2;

/// Images that a thread makes a sum for at once, at most: it has registers for four outputs of each.
const MOST_IMAGES_A_THREAD: usize = 4;

/// Values of workgroup memory that every WebGPU grants.
pub const LEAST_MEMORY: usize = 4096;

/// Values of it in use at most: a GPU that has more can keep more workgroups at once.
const MOST_MEMORY: usize = 12_288;

/// What is to be known of an adapter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapter {
    /// Whether its threads are a loop on a CPU.
    pub software: bool,
    /// Workgroups that it needs to have something to do everywhere.
    pub cores: usize,
    /// Values of workgroup memory it grants.
    pub memory: usize,
}

/// A workgroup.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Workgroup {
    /// Threads.
    pub threads: usize,
    /// Images it draws.
    pub images: usize,
    /// Those of them that a thread makes a sum for at once.
    pub images_a_thread: usize,
    /// Whether a thread makes the sum of one segment only: few images keep few threads busy otherwise.
    pub split: bool,
    /// Whether a stage may have several operations, or sums and what adds them up: see [`stage`](super::stage). A CPU that does all of
    /// them one after another only loses its way in them.
    pub united: bool,
    /// Whether what sums begin with is made ahead of a row, all columns at once. On a CPU, which has nothing idle to make it on, that
    /// only costs the way there and back.
    pub ahead: bool,
    /// Values of its memory.
    pub memory: usize,
    /// What it is made for.
    pub adapter: Adapter,
}

impl Adapter {
    /// One of which nothing is known but what every WebGPU grants: a workgroup gets as many images as may be.
    pub const LEAST: Self = Self { software: false, cores: 1, memory: LEAST_MEMORY };

    /// The workgroup for a batch: of so many images that there is one for every core. A few images more do not make others
    /// of it, as each makes a kernel of its own: only powers of two are in use.
    pub fn workgroup(self, batch: usize) -> Workgroup {
        self.workgroup_of((batch / self.cores).clamp(1, MOST_IMAGES).ilog2())
    }

    /// The workgroup of 2^`images` images.
    pub fn workgroup_of(self, images: u32) -> Workgroup {
        let images = 1 << images;
        let (threads, lanes) = if self.software { (SOFTWARE_THREADS, SOFTWARE_LANES) } else { (THREADS, LANES) };
        Workgroup {
            threads,
            images,
            images_a_thread: images.div_ceil(lanes).min(MOST_IMAGES_A_THREAD),
            split: images < if self.software { 2 } else { 8 },
            united: !self.software,
            ahead: !self.software,
            memory: self.memory.clamp(LEAST_MEMORY, MOST_MEMORY),
            adapter: self,
        }
    }
}

impl Workgroup {
    /// Neighbouring threads that make the same sums.
    pub fn lanes(self) -> usize {
        self.images / self.images_a_thread
    }

    /// That of half as many images.
    pub fn halved(self) -> Option<Self> {
        (self.images > 1).then(|| self.adapter.workgroup_of(self.images.ilog2() - 1))
    }
}
