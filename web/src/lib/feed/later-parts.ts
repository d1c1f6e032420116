/** The parts of a feed that `later.svelte.ts` fetches. */
export { default as SeekBar } from '#lib/player/seek-bar.svelte'
export { prefetchStart } from '#lib/player/prefetch.ts'
export { default as CountsAge } from './counts-age.svelte'
export { default as FeedEnd } from './feed-end.svelte'
export { placeholderUrl } from './placeholder.svelte.ts'
export { default as StepArrows } from './step-arrows.svelte'
export { default as WaitWords } from './wait-words.svelte'
