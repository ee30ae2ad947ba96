#!/usr/bin/env bash
# Holds each part of the source ("room") to what it may use, so that the path from weights to canvas
# stays straight: kernels know no layers, layers no models, samplers no JavaScript, the worker no document, the element no page.
# A line is judged without its comment; the tests at the end of a file may use what they like.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
broken=0

# rule FORBIDDEN_REGEX WHY FILE_OR_FOLDER...
rule() {
    local forbidden=$1 why=$2 file hits
    shift 2
    while IFS= read -r file; do
        hits=$(sed -E -e 's@(^|[[:space:]])//.*@@' -e 's@/\*([^*]|\*[^/])*\*/@@g' -e 's@^[[:space:]]*/?\*.*@@' \
            -e '/^#\[cfg\(test\)\]$/,$d' "$file" | grep -nE "$forbidden") || continue
        while IFS= read -r hit; do echo "rooms: $file:$hit"; done <<<"$hits"
        echo "rooms:   $why"
        broken=1
    done < <(find "$@" -type f \( -name '*.rs' -o -name '*.js' \) 2>/dev/null)
}

rule 'crate::|\bburn::' 'the common numbers know nothing' src/maths.rs
rule 'crate::(nn|model|likelihood|image|sample|weights|data|train|cli|wasm)\b' 'kernels know no layers' src/cpu src/gpu
rule 'crate::(model|likelihood|image|sample|weights|data|train|cli|wasm)\b' 'layers know nothing above them' src/nn
rule 'std::(fs|time)\b' 'layers and kernels touch no files and no clock' src/nn src/cpu src/gpu
rule 'crate::(sample|weights|data|train|wasm)\b' 'models and likelihoods know no sampler, file or trainer' src/model src/likelihood.rs
rule 'std::(fs|path)\b' 'weights are bytes in, bytes out' src/weights.rs src/weights
rule '\b(wasm_bindgen|js_sys|web_sys)\b' 'samplers and the codec know no JavaScript' src/sample src/codec
rule 'crate::codec\b' 'samplers know no codec' src/sample
rule 'crate::(nn|likelihood|weights|data|train|cli|wasm|npy|output)\b' 'the codec knows models, samplers and images' src/codec
rule '\bburn::|std::(fs|path)\b' 'the codec is bytes in, bytes out, over the samplers' src/codec
rule '\bburn::' 'the cached sampler is plain loops' src/sample/cached.rs src/sample/cached
rule 'crate::(cpu|likelihood|weights|sample|data|train)\b|std::(fs|path)\b' 'ONNX is a model as bytes' src/onnx
rule 'crate::wasm\b' 'the native side knows no browser' src/data src/data.rs src/train src/train.rs src/cli src/main.rs
rule 'crate::(data|train)\b' 'the browser side neither trains nor reads data sets' src/wasm

# Of www/ only public addresses stand on top; a module of a room names another room as `../room/`, one of a room's folder as `../../room/`.
import="(from |import[ (])['\"]"
out="$import(\.\./)+"
top='[a-z-]+\.js'
rule "$out" 'what several rooms share knows none of them' www/shared
rule "$out($top|(engine|element|page|bench)/)" 'the worker knows what is shared' www/worker
rule '\b(document|window)\b' 'the worker has no document' www/worker www/engine www/engine.js
rule "$out((pixel-rnn|embed)\.js|(engine|worker|page|bench)/)" 'the element knows what is shared, and the engine' www/element
rule "$out(engine|worker|bench)/" 'the page reaches the worker through the engine' www/page
rule "$out($top|(engine|element|page)/)" 'benchmarks know the worker and what is shared' www/bench
rule "$import\.\.?/(element|page|bench)/" 'the engine draws nothing on a page' www/engine.js www/engine
rule "$import\./(worker|page|bench)/" 'the element knows no page, and the worker through the engine' www/pixel-rnn.js www/embed.js
rule '\bpkg/' 'the samplers are reached through the engine' www/shared www/element www/page www/pixel-rnn.js

while IFS= read -r file; do
    rule '\bcubecl\b' 'CubeCL stays in the fused sampler' "$file"
done < <(find src/sample -name '*.rs' ! -name 'fused*' ! -path '*/fused*/*' 2>/dev/null)

if [ "$broken" -eq 0 ]; then echo "rooms: every part keeps to what it may use"; fi
exit "$broken"
