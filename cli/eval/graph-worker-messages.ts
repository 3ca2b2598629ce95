/** What `parallelRunner` and its workers tell each other. */

import type { ErrorCode } from "../../runtime/errors.ts";
import type { Tensors } from "../../runtime/tensor.ts";

export interface GraphWorkerData {
  /** The package. */
  readonly folder: string;
  readonly threads: number;
}

export interface GraphRequest {
  readonly graph: string;
  readonly feeds: Tensors;
}

export type GraphWorkerReply =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly tensors: Tensors }
  | {
      readonly kind: "failed";
      /** Of an MvcError, whose class does not survive the way. */
      readonly known:
        | {
            readonly code: ErrorCode;
            readonly message: string;
            readonly hint: string;
            readonly fields: { readonly [name: string]: unknown };
          }
        | undefined;
      readonly reason: string;
    };
