/** The texts of search and of hashtag pages. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('search', {
  'search.title': 'Search',
  'search.field': 'Search videos, people and hashtags',
  'search.placeholder': 'Videos, people, #hashtags',
  'search.clear': 'Clear',
  'search.kinds': 'What to search',
  'search.videos': 'Videos',
  'search.people': 'People',
  'search.tags': 'Hashtags',
  'search.recent': 'Recent searches',
  'search.clearRecent': 'Clear all',
  'search.forget': 'Forget “{q}”',
  'search.startTitle': 'What are you looking for?',
  'search.startText': 'A person, a #hashtag, or anything a video may be about.',
  'search.nothingTitle': 'Nothing found for “{q}”',
  'search.nothingText': 'Try fewer or other words, or look among people or hashtags.',
  'search.count': { one: '{n} video', other: '{n} videos' },

  'tag.title': '#{tag}',
  'tag.emptyTitle': 'No videos with #{tag} yet',
  'tag.emptyText': 'Post one with this hashtag and it starts here.',
})
