//! WebGPU, on whatever adapter the browser has; in continuous integration that is SwiftShader.

use super::{CONFIG, message, request, sampler, set, two_scales, weights_file};
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::wasm::{Gpu, GpuSampler, Model, Sampler, score};
use wasm_bindgen::{JsError, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// 4×5 images of all networks, binary and in colour, and one drawn from a smaller one.
fn configs() -> Vec<ModelConfig> {
    let each = |network| {
        let grey = ModelConfig { network, ..CONFIG };
        [grey.clone(), ModelConfig { channels: 3, levels: 256, h: 5, height: 2, width: 3, ..grey }, two_scales(network)]
    };
    Network::ALL.into_iter().flat_map(each).collect()
}

fn unwrap<T>(result: Result<T, JsError>) -> T {
    result.unwrap_or_else(|error| panic!("{:?}", JsValue::from(error)))
}

/// One test: the device can be opened once in a worker.
#[wasm_bindgen_test]
async fn the_gpu_passes_its_test_and_draws_and_scores_like_the_cpu() {
    let gpu = unwrap(Gpu::init(true).await);

    for config in configs() {
        let model = unwrap(Model::load(&weights_file(&config)));
        let mut cached = sampler(&model, "cached", None);
        let mut fused = unwrap(GpuSampler::create(&gpu, &model, &request("fused", None)).await);
        while !cached.done() {
            assert_eq!((fused.scale(), fused.y(), fused.done()), (cached.scale(), cached.y(), false), "{config:?}");
            let row = unwrap(fused.next_row().await);
            assert_eq!(row.to_vec(), unwrap(cached.next_row()).to_vec(), "{config:?}");
        }
        assert!(fused.done() && fused.next_row().await.is_err());
        assert_eq!(fused.levels(), cached.levels(), "{config:?}");
        let expected = unwrap(cached.nll_nats());
        for (found, expected) in fused.nll_nats().expect("known").iter().zip(expected) {
            // Sums of up to a hundred numbers near one, whose logarithms the GPU takes its own way.
            assert!((found - expected).abs() < 1e-3, "{config:?}: {found} {expected}");
        }
        // The lower part drawn, of other images than before.
        let pixels = config.height * config.width;
        let mask: Vec<u8> = (0..pixels).map(|k| u8::from(k > pixels / 2)).collect();
        let given = cached.levels();
        let completion = |method| {
            let request = request(method, Some((&given, &mask)));
            set(&request, "seed", 4u64.into());
            set(&request, "temperature", 0.8.into());
            request
        };
        let mut cached = unwrap(Sampler::new(&model, &completion("cached")));
        let mut fused = unwrap(GpuSampler::create(&gpu, &model, &completion("fused")).await);
        while !cached.done() {
            unwrap(fused.next_row().await);
            unwrap(cached.next_row());
        }
        assert_eq!(fused.levels(), cached.levels(), "{config:?}, completed");
    }
    let model = unwrap(Model::load(&weights_file(&CONFIG)));
    let message = message(GpuSampler::create(&gpu, &model, &request("quick", None)).await);
    assert!(message.contains("quick"), "{message}");

    // Burn's own operations: many small kernels a pixel, so few pixels.
    for network in Network::ALL {
        let config = ModelConfig { network, height: 2, width: 3, layers: 1, ..CONFIG };
        let model = unwrap(Model::load(&weights_file(&config)));
        let mut cached = sampler(&model, "cached", None);
        let mut naive = unwrap(GpuSampler::create(&gpu, &model, &request("naive", None)).await);
        while !cached.done() {
            let row = unwrap(naive.next_row().await);
            assert_eq!(row.to_vec(), unwrap(cached.next_row()).to_vec(), "{network:?}");
        }
        assert!(naive.done() && naive.nll_nats().is_none());
        let levels = cached.levels();
        let found = unwrap(gpu.score(&model, levels.clone(), 2).await);
        let expected = unwrap(score(&model, levels, 2));
        for (found, expected) in found.iter().zip(&expected) {
            // Another order of summation and another exponential.
            assert!((found - expected).abs() < 1e-4, "{network:?}: {found} {expected}");
        }
        assert!(gpu.score(&model, vec![0; 7], 2).await.is_err());
    }

    // The kernels that a real GPU gets.
    let gpu = gpu.as_hardware();
    for network in Network::ALL {
        let model = unwrap(Model::load(&weights_file(&ModelConfig { network, ..CONFIG })));
        let mut cached = sampler(&model, "cached", None);
        let mut fused = unwrap(GpuSampler::create(&gpu, &model, &request("fused", None)).await);
        while !cached.done() {
            assert_eq!(unwrap(fused.next_row().await).to_vec(), unwrap(cached.next_row()).to_vec(), "{network:?}");
        }
    }
}
