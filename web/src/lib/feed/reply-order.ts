interface Placed {
  readonly createdAt: string
  readonly isPending: boolean
  readonly isKept: boolean
}

/** Replies as they came about, oldest first; what is on its way has no place among them yet and comes last. */
export const inReplyOrder = <T extends Placed>(replies: readonly T[]): T[] => {
  const place = ({ isPending, isKept, createdAt }: Placed) =>
    isPending || isKept ? Infinity : Date.parse(createdAt)
  return replies.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)))
}
