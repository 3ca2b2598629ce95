// The adapters that the suites of WebGPU run on: a graphics card where there is one, else Vulkan's software drivers where those are installed.

import { existsSync } from "node:fs";
import { create, globals } from "webgpu";
import { createPipeline, openPackage, type Pipeline, packageFolder } from "../runtime/index.ts";
import { paceDawn } from "../runtime/node/dawn-turns.ts";
import { type Device, openDevice } from "../runtime/webgpu/device.ts";
import type { Loading } from "../runtime/webgpu/graph.ts";
import { type WebGpuRunner, webgpuRunner } from "../runtime/webgpu/runner.ts";

/** Debian's Chromium brings SwiftShader; Mesa's drivers bring lavapipe, which has an adapter from version 25 on. */
const softwareDrivers = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
];

if (process.env.VK_DRIVER_FILES === undefined) {
  const found = softwareDrivers.find((file) => existsSync(file));
  if (found !== undefined && !existsSync("/dev/dri/renderD128")) process.env.VK_DRIVER_FILES = found;
}
process.env.XDG_RUNTIME_DIR ??= "/tmp";

Object.assign(globalThis, globals);
paceDawn();

/** Kept for the life of the process: a collected one takes its devices with it. */
const kept: GPU[] = [];

export function openGpu(...options: string[]): GPU {
  const gpu = create(options);
  kept.push(gpu);
  return gpu;
}

export const gpu = openGpu();

const adapter = await gpu.requestAdapter();

let shared: Promise<Device> | undefined;

/** A device that suites share, so that kernels which many graphs have are compiled once; closing it frees what was made through it. */
export async function sharedDevice(): Promise<Device> {
  shared ??= openDevice(gpu);
  const device = await shared;
  const made = new Set<GPUBuffer>();
  return {
    ...device,
    buffer: async (...wanted) => {
      const buffer = await device.buffer(...wanted);
      made.add(buffer);
      return buffer;
    },
    close: () => made.forEach(device.free),
  };
}

/** A package folder on the shared device: for suites that leave the device whole. */
export async function openRunnerOnShared(folder: string, loading: Loading = {}): Promise<WebGpuRunner> {
  return webgpuRunner(await openPackage(packageFolder(folder)), await sharedDevice(), loading);
}

/** A package folder on a device of its own. */
export async function openRunnerOnGpu(folder: string, loading: Loading = {}): Promise<WebGpuRunner> {
  return webgpuRunner(await openPackage(packageFolder(folder)), await openDevice(gpu), loading);
}

export async function openOnGpu(folder: string): Promise<Pipeline> {
  return createPipeline(await openPackage(packageFolder(folder)), await openRunnerOnShared(folder));
}

/** Why there are no suites of WebGPU here; undefined where they run. Where they must run, absence is a failure. */
export const noGpu: string | undefined =
  adapter !== null || process.env.MVC_REQUIRE_GPU === "1"
    ? undefined
    : "no WebGPU adapter answers: install a Vulkan driver, or Debian's packages chromium and libvulkan1 for a software one";
if (noGpu !== undefined) process.stderr.write(`WebGPU suites are skipped: ${noGpu}\n`);
