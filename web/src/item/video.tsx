// A video as the browser plays it; where it cannot (H.265 outside of some browsers), that is said, with the way to the file.
import { useState } from "react";
import { mediaUrl, type MediaItem } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";

export function Video({ item }: { item: MediaItem }) {
  const { ws } = useHere();
  const [failed, setFailed] = useState(false);
  const content = mediaUrl(ws, item.id, "content");
  if (failed) {
    return (
      <div className="no-picture">
        <p><strong>{t.item.cannotPlay}</strong></p>
        <p>{t.item.cannotPlayHelp}</p>
        <a className="button" href={`${content}?download=true`} download={item.name}>{t.item.download}</a>
      </div>
    );
  }
  return <video key={item.id} src={content} controls playsInline preload="metadata" aria-label={item.name} onError={() => setFailed(true)} />;
}
