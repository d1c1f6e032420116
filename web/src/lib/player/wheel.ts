/**
 * One video per turn of a wheel or sweep of a trackpad.
 *
 * A trackpad goes on sending ever smaller deltas long after the fingers are gone. So after a step the wheel has to rest,
 * or push clearly harder again, before it counts as a new gesture.
 */
export interface WheelInput {
  /** Pixels; positive goes on. */
  readonly deltaPx: number
  readonly atMs: number
}

const STEP_PX = 24
const REST_MS = 140
/** Events this soon after a step belong to it, whatever their force. */
const LOCK_MS = 350
const NEW_PUSH_FACTOR = 1.6

export interface WheelGestures {
  /** Returns the step that this event completes: 1, -1, or 0. */
  push(input: WheelInput): -1 | 0 | 1
}

export function createWheelGestures(): WheelGestures {
  let sumPx = 0
  let lastAtMs = -Infinity
  let lastForcePx = 0
  let steppedAtMs = -Infinity
  let isSpent = false
  return {
    push({ deltaPx, atMs }) {
      const forcePx = Math.abs(deltaPx)
      const isRested = atMs - lastAtMs > REST_MS
      const isNewPush =
        isSpent &&
        atMs - steppedAtMs > LOCK_MS &&
        forcePx > STEP_PX &&
        forcePx > lastForcePx * NEW_PUSH_FACTOR
      const isTurned = sumPx !== 0 && Math.sign(deltaPx) !== Math.sign(sumPx)
      if (isRested || isNewPush || (isTurned && atMs - steppedAtMs > LOCK_MS)) {
        sumPx = 0
        isSpent = false
      }
      lastAtMs = atMs
      lastForcePx = forcePx
      if (isSpent) return 0
      sumPx += deltaPx
      if (Math.abs(sumPx) < STEP_PX) return 0
      isSpent = true
      steppedAtMs = atMs
      return sumPx > 0 ? 1 : -1
    },
  }
}
