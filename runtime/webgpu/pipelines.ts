/** Kernels' sources to pipelines, each compiled once whichever graphs use it. */

import type { Device } from "./device.ts";

/** Work of the device: what is put into a pass. */
export type Encode = (pass: GPUComputePassEncoder) => void;

export function encodeAll(works: readonly Encode[], pass: GPUComputePassEncoder): void {
  for (const work of works) work(pass);
}

const ofDevice = new WeakMap<GPUDevice, Pipelines>();

/** The pipelines of a device, which live as long as it does. */
export function pipelinesOf(device: Device): Pipelines {
  const made = ofDevice.get(device.gpu) ?? new Pipelines(device);
  ofDevice.set(device.gpu, made);
  return made;
}

export class Pipelines {
  private readonly made = new Map<string, Promise<GPUComputePipeline>>();
  private readonly device: Device;

  constructor(device: Device) {
    this.device = device;
  }

  get(label: string, code: string): Promise<GPUComputePipeline> {
    const { gpu } = this.device;
    let pipeline = this.made.get(code);
    if (pipeline === undefined) {
      const module = gpu.createShaderModule({ label, code });
      pipeline = gpu.createComputePipelineAsync({ label, layout: "auto", compute: { module, entryPoint: "main" } });
      this.made.set(code, pipeline);
    }
    return pipeline;
  }

  /** One dispatch of a kernel on buffers, or on parts of them. */
  work(pipeline: GPUComputePipeline, buffers: readonly (GPUBuffer | GPUBufferBinding)[], grid: readonly [number, number]): Encode {
    const entries = buffers.map((one, binding) => ({ binding, resource: "buffer" in one ? one : { buffer: one } }));
    const group = this.device.gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...grid);
    };
  }

  submit(work: Encode): void {
    const encoder = this.device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    work(pass);
    pass.end();
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  copy(from: GPUBuffer, to: GPUBuffer, fromOffset: number, toOffset: number, bytes: number): void {
    const encoder = this.device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
    this.device.gpu.queue.submit([encoder.finish()]);
  }
}
