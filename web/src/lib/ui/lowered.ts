/**
 * The address of a picture that nobody waits for: under load it is turned away first (docs/decisions/0031-admission.md).
 * An image takes no `Priority` header (RFC 9218) from the page, so the urgency stands in the address.
 */
export const lowered = (pictureUrl: string): string => `${pictureUrl}?u=7`
