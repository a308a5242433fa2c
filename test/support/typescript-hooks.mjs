// Lets Node run the sources as they stand (it takes the types off by itself): imports end in `.js`, the files in `.ts`.
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !context.parentURL?.endsWith('.ts')) return next(specifier, context);
    return next(specifier.replace(/\.js$/, '.ts'), context);
  },
});
