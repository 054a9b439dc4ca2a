/** What is wrong with a field of a request, in words for whoever sent it: what a client reads in a VALIDATION_ERROR. */
import type { z } from 'zod';

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};
const formats: Readonly<Record<string, string>> = {
  uuid: 'must be a UUID',
  url: 'must be a URL',
  email: 'is not an e-mail address',
};
const units: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };

/** Undefined where a schema's own words, or zod's, say best. */
export function fieldProblem(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `must be ${nouns[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'too_small':
      return `must ${verbOf(issue.origin)} ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must ${verbOf(issue.origin)} ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return formats[issue.format];
    default:
      return undefined;
  }
}

const unitOf = (origin: string): string => units[origin] ?? '';
const verbOf = (origin: string): string => (origin in units ? 'have' : 'be');
