//! What WebGPU adapter there is.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// What the browser says of its adapter. Read by name: web-sys has WebGPU behind an unstable flag.
pub async fn describe_adapter() -> Option<String> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok().filter(|v| !v.is_undefined());
    let gpu = get(&get(&js_sys::global(), "navigator")?, "gpu")?;
    let request: Function = get(&gpu, "requestAdapter")?.dyn_into().ok()?;
    // The one that burn's device asks for: a laptop may have two.
    let options = Object::new();
    Reflect::set(&options, &"powerPreference".into(), &"high-performance".into()).ok()?;
    let adapter = JsFuture::from(request.call1(&gpu, &options).ok()?.dyn_into::<Promise>().ok()?).await.ok()?;
    if adapter.is_null() {
        return None;
    }
    let info = get(&adapter, "info").unwrap_or_else(|| Object::new().into());
    let text = |name: &str| get(&info, name).and_then(|value| value.as_string()).unwrap_or_default();
    // Where the flag stands has moved from the adapter to its description.
    let flag = get(&info, "isFallbackAdapter").or_else(|| get(&adapter, "isFallbackAdapter"));
    let description = serde_json::json!({
        "vendor": text("vendor"),
        "architecture": text("architecture"),
        "description": text("description"),
        "fallback": flag.is_some_and(|flag| flag.is_truthy()),
    });
    Some(description.to_string())
}
