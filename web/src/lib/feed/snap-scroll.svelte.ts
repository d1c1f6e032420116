/** A list that scrolls natively and snaps: which slide is in view, and how fingers, wheel and keys move it. */
import { createWheelGestures } from '#lib/player/wheel.ts'
import { prefersReducedMotion } from '#lib/ui/media.svelte.ts'

/** A neighbour moves once this share of it has been drawn into view: starting takes a browser about 150 ms. */
const PEEK_FROM = 0.03
const WHEEL_LINE_PX = 33

export interface SnapScrollOptions {
  /** How many slides there are; one more, the end of the list, comes after them. */
  readonly count: () => number
  /** A neighbour is being drawn into view. */
  readonly onPeek: (index: number) => void
  /** It was let go of, and another one came to rest. */
  readonly onUnpeek: (index: number) => void
}

export class SnapScroll {
  element = $state<HTMLElement>()
  heightPx = $state(0)
  widthPx = $state(0)
  /** The slide in view, or the one that the list is on its way to. */
  active = $state(0)

  readonly #options: SnapScrollOptions
  readonly #wheel = createWheelGestures()
  #target: number | null = null
  #isAimedByFinger = false
  /** From when the browser takes a touch for a scroll until the list lies still. */
  #isFingerScrolling = false
  #peeked: number | null = null

  constructor(options: SnapScrollOptions) {
    this.#options = options
  }

  /** Takes the gestures of the element; returns how to let go of them. */
  listen(): () => void {
    const { element } = this
    if (!element) return () => {}
    const listening = new AbortController()
    const { signal } = listening
    element.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false, signal })
    element.addEventListener('scroll', () => this.#onScroll(), { signal })
    element.addEventListener('scrollend', () => this.#onScrollEnd(), { signal })
    element.addEventListener('scrollsnapchanging', (event) => this.#onSnapChanging(event), { signal })
    element.addEventListener('pointerdown', () => (this.#target = null), { signal })
    element.addEventListener('pointercancel', () => (this.#isFingerScrolling = true), { signal })
    return () => listening.abort()
  }

  /** Glides there, as far as the list reaches. */
  goTo(index: number): void {
    if (!this.element || index < 0 || index > this.#options.count()) return
    this.#target = index
    this.#isAimedByFinger = false
    this.active = index
    const behavior = prefersReducedMotion.current ? 'instant' : 'smooth'
    this.element.scrollTo({ top: index * this.heightPx, behavior })
  }

  /** Is there at once: the list around it has changed. */
  jumpTo(index: number): void {
    this.active = index
    this.settle()
  }

  /** Puts the slide in view where it belongs. */
  settle(): void {
    if (this.element) this.element.scrollTop = this.active * this.heightPx
  }

  #onScroll(): void {
    if (!this.element || this.heightPx === 0) return
    const at = this.element.scrollTop / this.heightPx
    if (this.#target === null) {
      this.#peekAt(at)
      this.active = Math.min(this.#options.count(), Math.max(0, Math.round(at)))
    } else if (Math.abs(at - this.#target) < 0.01) this.#target = null
  }

  #peekAt(at: number): void {
    const index = this.active + Math.sign(at - this.active)
    if (Math.abs(at - this.active) < PEEK_FROM || index === this.#peeked) return
    if (index < 0 || index >= this.#options.count()) return
    this.#peeked = index
    this.#options.onPeek(index)
  }

  #onScrollEnd(): void {
    this.#target = null
    this.#isFingerScrolling = false
    if (this.#peeked !== null && this.#peeked !== this.active) this.#options.onUnpeek(this.#peeked)
    this.#peeked = null
  }

  /**
   * The browser says where the list will come to rest as soon as the finger is lifted (CSS Scroll Snap 2), in
   * Chromium from 129 on; elsewhere the middle of the way decides, some frames later. A list that grows or shrinks has
   * it say so too, where nobody moved.
   */
  #onSnapChanging(event: Event): void {
    if (!this.#isFingerScrolling) return
    const place = (event as Event & { snapTargetBlock?: Element | null }).snapTargetBlock
    const index = place ? [...this.element!.querySelectorAll(':scope > .slide')].indexOf(place) : -1
    // A key's or a wheel's own aim is not crossed by what lies on the way.
    if (index === -1 || index === this.active || (this.#target !== null && !this.#isAimedByFinger)) return
    this.#isAimedByFinger = true
    this.#target = index
    this.active = index
  }

  #onWheel(event: WheelEvent): void {
    if ((event.target as Element).closest('.scrolls') || event.ctrlKey) return
    event.preventDefault()
    const lineFactor = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE_PX : 1
    const step = this.#wheel.push({ deltaPx: event.deltaY * lineFactor, atMs: event.timeStamp })
    if (step !== 0) this.goTo(this.active + step)
  }
}
