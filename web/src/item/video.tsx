// A video as the browser plays it; where it cannot (H.265 outside of some browsers), that is said, with the way to the file.
// It tells the time it shows, and goes to the time that map or charts ask for.
import { useEffect, useRef, useState, type RefObject } from "react";
import { mediaUrl, type MediaItem } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";

export type Seek = RefObject<((t_s: number) => void) | null>;

export function Video({ item, onTime, seek }: { item: MediaItem; onTime: (t_s: number) => void; seek: Seek }) {
  const { ws } = useHere();
  const [failed, setFailed] = useState(false);
  const ref = useRef<HTMLVideoElement>(null);
  const content = mediaUrl(ws, item.id, "content");

  useEffect(() => {
    seek.current = (t_s) => {
      // with or without pictures the track can be followed
      if (ref.current) ref.current.currentTime = t_s;
      onTime(t_s);
    };
    return () => void (seek.current = null);
  }, [seek, onTime, failed]);

  // while it plays, each frame moves the marker; the element's own event comes only four times a second
  useEffect(() => {
    let frame = 0;
    const follow = () => {
      if (ref.current && !ref.current.paused) onTime(ref.current.currentTime);
      frame = requestAnimationFrame(follow);
    };
    frame = requestAnimationFrame(follow);
    return () => cancelAnimationFrame(frame);
  }, [onTime]);

  if (failed) {
    return (
      <div className="no-picture">
        <p><strong>{t.item.cannotPlay}</strong></p>
        <p>{t.item.cannotPlayHelp}</p>
        <a className="button" href={`${content}?download=true`} download={item.name}>{t.item.download}</a>
      </div>
    );
  }
  return (
    <video
      ref={ref} src={content} controls playsInline preload="metadata" aria-label={item.name} onError={() => setFailed(true)}
      onTimeUpdate={(event) => onTime(event.currentTarget.currentTime)} onSeeking={(event) => onTime(event.currentTarget.currentTime)}
    />
  );
}
