//! WebGPU, on whatever adapter the browser has; in continuous integration that is SwiftShader.

use super::{CONFIG, sampler, weights_file};
use pixelrnn::model::{ModelConfig, Network};
use pixelrnn::wasm::{Gpu, GpuSampler, Model, score};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

/// One test: the device can be opened once in a worker.
#[wasm_bindgen_test]
async fn the_gpu_passes_its_test_and_draws_and_scores_like_the_cpu() {
    let gpu = Gpu::init().await.unwrap_or_else(|error| panic!("{:?}", JsValue::from(error)));
    assert!(gpu.adapter().contains("\"vendor\""), "{}", gpu.adapter());

    let file = weights_file(&CONFIG);
    let model = Model::load(&file).unwrap_or_else(|_| panic!("a good file"));
    let mut cached = sampler(&model, "cached", None, None);
    let mut on_gpu = GpuSampler::create(&gpu, file.clone(), 9, 3, 2, 1.0, None, None)
        .await
        .unwrap_or_else(|error| panic!("{:?}", JsValue::from(error)));
    for y in 0..CONFIG.height {
        assert_eq!((on_gpu.y(), on_gpu.done()), (y, false));
        let row = on_gpu.next_row().await.unwrap_or_else(|error| panic!("{:?}", JsValue::from(error)));
        assert_eq!(row.to_vec(), cached.next_row().unwrap_or_else(|_| panic!("row {y}")).to_vec(), "row {y}");
    }
    assert!(on_gpu.done());
    assert_eq!(on_gpu.levels(), cached.levels());
    assert!(on_gpu.next_row().await.is_err());

    let levels = cached.levels();
    let found = gpu.score(file.clone(), levels.clone(), 2).await.unwrap_or_else(|e| panic!("{:?}", JsValue::from(e)));
    let expected = score(&model, levels, 2).unwrap_or_else(|_| panic!("scores"));
    for (found, expected) in found.iter().zip(&expected) {
        // Another order of summation and another exponential.
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    assert!(gpu.score(file, vec![0; 7], 2).await.is_err());

    // The recurrent networks take many small kernels a line of pixels: two rows of three, one block.
    for network in [Network::RowLstm, Network::DiagonalBiLstm] {
        let config = ModelConfig { network, height: 2, width: 3, layers: 1, ..CONFIG };
        let file = weights_file(&config);
        let model = Model::load(&file).unwrap_or_else(|_| panic!("a good file"));
        let mut cached = sampler(&model, "cached", None, None);
        while !cached.done() {
            cached.next_row().unwrap_or_else(|_| panic!("a row"));
        }
        let mut on_gpu = GpuSampler::create(&gpu, file.clone(), 9, 3, 2, 1.0, None, None)
            .await
            .unwrap_or_else(|error| panic!("{:?}", JsValue::from(error)));
        while !on_gpu.done() {
            on_gpu.next_row().await.unwrap_or_else(|error| panic!("{:?}", JsValue::from(error)));
        }
        assert_eq!(on_gpu.levels(), cached.levels(), "{network:?}");
        let levels = cached.levels();
        let found = gpu.score(file, levels.clone(), 2).await.unwrap_or_else(|e| panic!("{:?}", JsValue::from(e)));
        let expected = score(&model, levels, 2).unwrap_or_else(|_| panic!("scores"));
        for (found, expected) in found.iter().zip(&expected) {
            // As above.
            assert!((found - expected).abs() < 1e-4, "{network:?}: {found} {expected}");
        }
    }
}
