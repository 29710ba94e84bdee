import type { Observable } from 'rxjs';
import type { Codec } from '../../model/codec.ts';
import type { Source } from '../../model/events.ts';
import type { RetryConfig } from '../../source/config.ts';

/** What follows when a consumer has failed. */
export type OnFailure = 'continue' | 'stop' | 'retry';

/** How a consumer's failure is dealt with. */
export interface Treatment {
  readonly required: boolean;
  /** `undefined`: as `orderedResync` says for all. */
  readonly onFailure: OnFailure | undefined;
  readonly timeout: number | undefined;
  readonly retry: Omit<RetryConfig, 'stable'> | undefined;
}

/** What `consumer` makes: a description, which each subscription of `orderedResync` brings to life for itself. */
export class Declared<Name extends string = string, T = unknown> {
  readonly name: Name;
  readonly prefix: string;
  readonly required: boolean;
  readonly codec: Codec<T>;
  readonly pipeline: (source: Source<T>) => Observable<unknown>;
  readonly treatment: Treatment;

  constructor(
    name: Name,
    prefix: string,
    codec: Codec<T>,
    pipeline: (source: Source<T>) => Observable<unknown>,
    treatment: Treatment,
  ) {
    this.name = name;
    this.prefix = prefix;
    this.required = treatment.required;
    this.codec = codec;
    this.pipeline = pipeline;
    this.treatment = treatment;
  }
}
