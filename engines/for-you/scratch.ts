/**
 * Working memory of the rankings of one pool, so that a ranking allocates next to nothing. By slot, author or tag; every
 * ranking leaves it as it found it.
 */
export interface Scratch {
  /** By slot: 0 open, else one of `SLOT_STATE`. */
  slotState: Uint8Array
  candidates: Int32Array
  scores: Float32Array
  keys: Float64Array
  newcomers: Int32Array
  /** By slot: points for its author. */
  affinity: Float32Array
  /** By slot: weights of its tags. */
  tagSum: Float32Array
  /** By slot: 1 when the viewer liked it. */
  isLiked: Uint8Array
  /** By place in the order: the next one put off that has the same author. */
  nextDeferred: Int32Array
  /** By author: 1 when followed. */
  followed: Uint8Array
  /** By author: weight of likes. */
  likedAuthor: Float32Array
  /** By author: the position last given to it. */
  lastPosition: Int32Array
  /** By author: first and last place in the order that was put off. */
  deferredHead: Int32Array
  deferredTail: Int32Array
  /** By tag: weight of watching. */
  tagWeight: Float32Array
}

export const SLOT_STATE = { open: 0, proposed: 1, seen: 2, seenProposed: 3, excluded: 4, placed: 5 } as const
export const NEVER_PLACED = -(2 ** 30)

export function createScratch(): Scratch {
  return {
    slotState: new Uint8Array(0),
    candidates: new Int32Array(0),
    scores: new Float32Array(0),
    keys: new Float64Array(0),
    newcomers: new Int32Array(0),
    affinity: new Float32Array(0),
    tagSum: new Float32Array(0),
    isLiked: new Uint8Array(0),
    nextDeferred: new Int32Array(0),
    followed: new Uint8Array(0),
    likedAuthor: new Float32Array(0),
    lastPosition: new Int32Array(0),
    deferredHead: new Int32Array(0),
    deferredTail: new Int32Array(0),
    tagWeight: new Float32Array(0),
  }
}

/** Makes it large enough. Only between rankings. */
export function fitScratch(scratch: Scratch, slots: number, authors: number, tags: number): void {
  if (scratch.slotState.length < slots) {
    scratch.slotState = new Uint8Array(slots)
    scratch.candidates = new Int32Array(slots)
    scratch.scores = new Float32Array(slots)
    scratch.keys = new Float64Array(slots)
    scratch.newcomers = new Int32Array(slots)
    scratch.affinity = new Float32Array(slots)
    scratch.tagSum = new Float32Array(slots)
    scratch.isLiked = new Uint8Array(slots)
    scratch.nextDeferred = new Int32Array(slots)
  }
  if (scratch.followed.length < authors) {
    const length = Math.max(256, authors * 2)
    scratch.followed = new Uint8Array(length)
    scratch.likedAuthor = new Float32Array(length)
    scratch.lastPosition = new Int32Array(length).fill(NEVER_PLACED)
    scratch.deferredHead = new Int32Array(length).fill(-1)
    scratch.deferredTail = new Int32Array(length).fill(-1)
  }
  if (scratch.tagWeight.length < tags) scratch.tagWeight = new Float32Array(Math.max(256, tags * 2))
}
