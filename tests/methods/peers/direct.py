"""The same prompts given to transformers itself."""

import torch
import torch.nn.functional as F

CLASSES = {
    "sam2": ("Sam2VideoModel", "Sam2VideoProcessor"),
    "edgetam": ("EdgeTamVideoModel", "Sam2VideoProcessor"),
    "sam3": ("Sam3TrackerVideoModel", "Sam3TrackerVideoProcessor"),
}


class Direct:
    """A session of transformers on a whole video.

    Args:
        family: of the tracker.
        folder: of its model.
        video: (T, H, W, 3).
    """

    def __init__(self, family, folder, video):
        import transformers

        model, processor = (getattr(transformers, name) for name in CLASSES[family])
        self.model = model.from_pretrained(folder).eval()
        self.processor = processor.from_pretrained(folder)
        self.video = video
        self.session = self.processor.init_video_session(video=list(video))
        self.found = {}

    def prompt(self, frame, objects, **inputs):
        """Labels (H, W) after prompts of several objects."""
        self.processor.add_inputs_to_inference_session(
            inference_session=self.session, frame_idx=frame, obj_ids=objects, **inputs
        )
        return self._took(self.model(self.session, frame_idx=frame))

    @torch.inference_mode()
    def correct(self, frame, object_index, previous):
        """Labels (H, W) after points were added to a frame, from mask logits (1, 1, h, w)."""
        session, model = self.session, self.model
        tracked = frame in session.frames_tracked_per_obj[object_index]
        options = {"run_mem_encoder": True} if "EdgeTam" in type(model).__name__ else {}
        out = model._run_single_frame_inference(
            session,
            frame_idx=frame,
            obj_idx=object_index,
            batch_size=1,
            is_init_cond_frame=not tracked,
            point_inputs=session.point_inputs_per_obj[object_index][frame],
            mask_inputs=None,
            reverse=False,
            prev_sam_mask_logits=previous.clamp(-32, 32),
            **options,
        )
        session.store_output(object_index, frame, output_value=out, is_conditioning_frame=True)
        if not options:
            model._batch_encode_memories(
                session, frame, [object_index], [out["high_res_masks"]], [out["object_score_logits"]], [True]
            )
        session.obj_with_new_inputs = []
        self.found[frame] = out["pred_masks"]
        return self.labels(frame)

    def add_points(self, frame, objects, **inputs):
        self.processor.add_inputs_to_inference_session(
            inference_session=self.session, frame_idx=frame, obj_ids=objects, **inputs
        )

    def forget_tracked(self):
        """Leave nothing in memory but frames with prompts."""
        for outputs in self.session.output_dict_per_obj.values():
            outputs["non_cond_frame_outputs"].clear()

    def spread(self, start, *, last=None, reverse=False):
        """Track from one frame to another, or to the end."""
        count = None if last is None else abs(last - start)
        for out in self.model.propagate_in_video_iterator(
            self.session, start_frame_idx=start, max_frame_num_to_track=count, reverse=reverse
        ):
            self._took(out)

    def labels(self, frame):
        """(H, W) uint8: the highest logit above 0."""
        logits = F.interpolate(
            self.found[frame].float(), self.video.shape[1:3], mode="bilinear", align_corners=False
        )[:, 0]
        return torch.cat([torch.zeros_like(logits[:1]), logits]).argmax(dim=0).byte().numpy()

    def _took(self, out):
        self.found[out.frame_idx] = out.pred_masks
        return self.labels(out.frame_idx)
