#!/usr/bin/env bash
# Installs the engines that `make bench` compares with into .tools/peers: PyTorch and onnxruntime in a virtual environment of
# Python, onnxruntime-web from npm. Silent and quick when they are there. PyTorch brings several gigabytes of GPU
# libraries along.
set -euo pipefail
cd "$(dirname "$0")/.."

torch=2.15.0
onnxruntime=1.32.0
onnx=1.23.2
onnxruntime_web=1.30.0

folder=.tools/peers
stamp=$folder/installed
wanted="torch $torch, onnxruntime $onnxruntime, onnx $onnx, onnxruntime-web $onnxruntime_web"

say() { printf 'peers: %s\n' "$*" >&2; }

[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0
mkdir -p "$folder"

say "installing $wanted into $folder/ (some minutes, up to 6 GB)"
python3 -m venv "$folder/python" || {
    say "Python 3 with its venv module is missing; install it (Debian: python3-venv), then run this again."
    exit 1
}
pip() { "$folder/python/bin/python" -m pip --quiet --disable-pip-version-check install "$@"; }
pip numpy "onnx==$onnx" "onnxruntime==$onnxruntime"
pip "torch==$torch"
npm install --prefix "$folder" --no-save --no-progress --loglevel=error --ignore-scripts "onnxruntime-web@$onnxruntime_web" >/dev/null
printf '%s\n' "$wanted" >"$stamp"
