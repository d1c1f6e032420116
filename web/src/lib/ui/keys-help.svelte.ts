/** Whether the list of keys is open; the sheet itself is loaded when somebody asks for it. */
export const keysHelp = $state({ isOpen: false })

/** Opens the list of keys when `?` is pressed where nobody writes. */
export function openOnQuestionMark(event: KeyboardEvent): void {
  if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (
    event.target instanceof Element &&
    event.target.closest('input, textarea, select, [contenteditable], dialog')
  )
    return
  event.preventDefault()
  keysHelp.isOpen = true
}
