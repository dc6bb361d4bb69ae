// What flew with a video or a flight, to be saved in the form that another program wants.
import { Route } from "lucide-react";
import { useCallback, useState } from "react";
import { t } from "../i18n";
import { useDismiss } from "../ui/parts";

const FORMATS = ["gpx", "kml", "geojson", "csv", "srt", "json"] as const;

/** `url` answers with the track in the `format` that it is asked for. `bare`: only the icon. */
export function TrackMenu({ url, bare }: { url: string; bare?: boolean }) {
  const [open, setOpen] = useState(false);
  const close = useCallback(() => setOpen(false), []);
  const ref = useDismiss(open, close);
  return (
    <div className="anchor" ref={ref}>
      <button className={bare ? "tool" : "button"} aria-expanded={open} aria-label={t.track.save} title={t.track.save} onClick={() => setOpen(!open)}>
        <Route className="icon" aria-hidden />
        {!bare && t.track.short}
      </button>
      {open && (
        <div className="popover tracks">
          {FORMATS.map((format) => (
            <a key={format} className="item" href={`${url}?format=${format}`} download onClick={close}>
              <strong>{format === "geojson" ? "GeoJSON" : format.toUpperCase()}</strong>
              <span className="quiet small">{t.track.formats[format]}</span>
            </a>
          ))}
        </div>
      )}
    </div>
  );
}
