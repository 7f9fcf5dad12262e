/** Lines of files that come while the job runs, maybe behind a history of files; it fails when a test wants it to. */
import { collectSink, defineJob, fileSource, hybridSource, text } from "millrace";
import { type Crash, crashIf } from "./crash-file.js";

export interface WatchedFolderParams {
  readonly inbox: string;
  readonly history?: string;
  readonly crash: string;
  readonly how?: Crash;
}

export default defineJob("watched-folder", (env, { inbox, history, crash, how }: WatchedFolderParams) => {
  const watched = fileSource({ path: inbox, format: text(), monitor: { interval: 10, quiet: 0 } });
  const source =
    history === undefined ? watched : hybridSource(fileSource({ path: history, format: text() }), watched);
  env
    .source("lines", source)
    .map((line) => {
      crashIf(crash, how);
      return line;
    })
    .sink("out", collectSink());
});
