/** The keys of a list of videos. */
export interface FeedActions {
  /** Goes so many videos on; back when negative. */
  step(by: number): void
  togglePause(): void
  toggleSound(): void
  toggleLike(): void
  toggleComments(): void
  closeSheet(): void
  seekBy(seconds: number): void
  /** Whether a video is in view; at the end of the list only going back is left. */
  hasVideo(): boolean
}

const SEEK_S = 5

/** The listener of keydown; keys that a field, a dialog or a focused button takes are left to them. */
export function createFeedKeys(actions: FeedActions): (event: KeyboardEvent) => void {
  const next = () => actions.step(1)
  const previous = () => actions.step(-1)
  const keys: Record<string, () => void> = {
    ArrowDown: next,
    j: next,
    PageDown: next,
    ArrowUp: previous,
    k: previous,
    PageUp: previous,
    ' ': actions.togglePause,
    m: actions.toggleSound,
    l: actions.toggleLike,
    c: actions.toggleComments,
    // A panel beside the video has not always the focus; it closes all the same.
    Escape: actions.closeSheet,
    ArrowRight: () => actions.seekBy(SEEK_S),
    ArrowLeft: () => actions.seekBy(-SEEK_S),
  }
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const { target } = event
    if (!(target instanceof Element)) return
    if (target.closest('input, textarea, select, [contenteditable], dialog')) return
    // Space presses the button that has the focus.
    if (event.key === ' ' && target.closest('button, a, [role="slider"]')) return
    const run = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (!run || !actions.hasVideo()) {
      if (event.key === 'ArrowUp' || event.key.toLowerCase() === 'k') previous()
      return
    }
    event.preventDefault()
    run()
  }
}
