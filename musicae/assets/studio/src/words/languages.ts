// The languages for which words can be split into syllables: those of pyphen.

const TAGS = [
  ...["af", "as", "be", "bg", "ca", "cs", "da", "de", "el", "en", "eo", "es", "et", "eu", "fr", "gl"],
  ...["hr", "hu", "id", "is", "it", "kn", "lt", "lv", "mn", "mr", "nb", "nl", "nn", "or", "pa", "pl"],
  ...["pt", "ro", "ru", "sa", "sk", "sl", "sq", "sr", "sv", "te", "th", "uk", "zu"],
];

/** Tags and names of the languages, sorted by their names in the language of the page. */
export function languageNames(page: string): [tag: string, name: string][] {
  const names = new Intl.DisplayNames([page], { type: "language" });
  const found = TAGS.map((tag): [string, string] => [tag, names.of(tag) ?? tag]);
  return found.sort(([, a], [, b]) => a.localeCompare(b, page));
}
