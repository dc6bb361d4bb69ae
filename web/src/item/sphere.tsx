// A panorama as a sphere to look around in. It comes with its library and only when there is one to show.
import "@photo-sphere-viewer/core/index.css";
import "../styles/sphere.css";
import { EquirectangularAdapter, SYSTEM, Viewer, type PanoData, type TextureData } from "@photo-sphere-viewer/core";
import { LinearFilter, SRGBColorSpace, Texture } from "three";
import { useEffect, useRef, useState } from "react";
import { mediaUrl, type MediaDetail } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { isTyping } from "../ui/parts";
import { Photo, previewUrl } from "./photo";

type Cut = { full_width_px?: number | null; full_height_px?: number | null; cropped_width_px?: number | null; cropped_height_px?: number | null; cropped_left_px?: number | null; cropped_top_px?: number | null; heading_deg?: number | null; initial_heading_deg?: number | null; initial_pitch_deg?: number | null };

/**
 * Reads pictures as elements: the library's own way (fetch) would need the store's address among those that scripts may ask.
 * A picture that is larger than the graphics card takes is drawn smaller.
 */
class PictureAdapter extends EquirectangularAdapter {
  override async loadTexture(panorama: string, _loader?: boolean, data?: unknown): Promise<TextureData<Texture, string, PanoData>> {
    const picture = new Image();
    picture.crossOrigin = "anonymous";
    picture.src = panorama;
    await picture.decode();
    const shrink = Math.min(1, SYSTEM.maxTextureWidth / Math.max(picture.naturalWidth, picture.naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.naturalWidth * shrink));
    canvas.height = Math.max(1, Math.round(picture.naturalHeight * shrink));
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const texture = new Texture(canvas);
    texture.colorSpace = SRGBColorSpace;
    texture.needsUpdate = true;
    texture.minFilter = LinearFilter;
    texture.generateMipmaps = false;
    return { panorama, texture, panoData: panoData(canvas.width, canvas.height, data as Cut | undefined), cacheKey: panorama };
  }
}

/** The cut-out in pixels of the picture at hand, which may be smaller than the file's. Without one the picture is as wide as the sphere. */
export function panoData(width: number, height: number, cut: Cut | undefined): PanoData {
  const whole = cut?.cropped_width_px ?? cut?.full_width_px;
  if (cut?.full_width_px && cut.full_height_px && whole) {
    const scale = width / whole;
    return {
      isEquirectangular: true, fullWidth: Math.round(cut.full_width_px * scale), fullHeight: Math.round(cut.full_height_px * scale), croppedWidth: width, croppedHeight: height,
      croppedX: Math.round((cut.cropped_left_px ?? 0) * scale), croppedY: Math.round((cut.cropped_top_px ?? 0) * scale),
    };
  }
  const fullHeight = Math.round(width / 2);
  return { isEquirectangular: true, fullWidth: width, fullHeight, croppedWidth: width, croppedHeight: height, croppedX: 0, croppedY: Math.max(0, Math.round((fullHeight - height) / 2)) };
}

const TURN = Math.PI / 18;

export default function Sphere({ item }: { item: MediaDetail }) {
  const { ws } = useHere();
  const ref = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  const preview = previewUrl(ws, item);
  const original = mediaUrl(ws, item.id, "content");
  const cut = (item.metadata as { photo?: { panorama?: Cut | null } }).photo?.panorama ?? undefined;
  const latest = useRef(cut);
  latest.current = cut;

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const north = latest.current?.heading_deg ?? 0;
    const first = latest.current?.initial_heading_deg;
    const viewer = new Viewer({
      container: element, adapter: PictureAdapter, panorama: preview, panoData: latest.current as never, navbar: false, keyboard: false, touchmoveTwoFingers: false,
      defaultYaw: typeof first === "number" ? ((first - north) * Math.PI) / 180 : 0, defaultPitch: ((latest.current?.initial_pitch_deg ?? 0) * Math.PI) / 180,
    });
    let gone = false;
    const seen = () => {
      const { yaw, pitch } = viewer.getPosition();
      Object.assign(element.dataset, { yaw: yaw.toFixed(4), pitch: pitch.toFixed(4), zoom: viewer.getZoomLevel().toFixed(1) });
    };
    viewer.addEventListener("panorama-error", () => !gone && setFailed(true));
    viewer.addEventListener("position-updated", seen);
    viewer.addEventListener("zoom-updated", seen);
    viewer.addEventListener("ready", () => {
      seen();
      element.dataset.shows = "preview";
      // the same view, sharper
      viewer.setPanorama(original, { panoData: latest.current as never, transition: false, showLoader: false }).then(
        (done) => done && !gone && (element.dataset.shows = "original"),
        () => undefined,
      );
    }, { once: true });
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      const { yaw, pitch } = viewer.getPosition();
      const inside = event.target instanceof HTMLElement && element.contains(event.target);
      if (event.key === "+" || event.key === "=") viewer.zoom(viewer.getZoomLevel() + 10);
      else if (event.key === "-") viewer.zoom(viewer.getZoomLevel() - 10);
      else if (event.key === "0") viewer.zoom(50);
      else if (inside && event.key === "ArrowLeft") viewer.rotate({ yaw: yaw - TURN, pitch });
      else if (inside && event.key === "ArrowRight") viewer.rotate({ yaw: yaw + TURN, pitch });
      else if (inside && event.key === "ArrowUp") viewer.rotate({ yaw, pitch: pitch + TURN });
      else if (inside && event.key === "ArrowDown") viewer.rotate({ yaw, pitch: pitch - TURN });
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    // before the item's own keys, of which the arrows go to the neighbours
    document.addEventListener("keydown", press, true);
    return () => {
      gone = true;
      document.removeEventListener("keydown", press, true);
      viewer.destroy();
    };
  }, [preview, original]);

  // it may not be drawn as a sphere, but it is a picture
  if (failed) return <Photo item={item} />;
  return <div className="sphere" ref={ref} tabIndex={0} role="application" aria-label={t.look.sphere(item.name)} />;
}
