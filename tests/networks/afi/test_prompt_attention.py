import torch
import torch.nn.functional as F

from civos_siaf.networks.afi.prompt_attention import PromptAttention

SIZE = (3, 4)


def setting(frames=3, samples=2):
    torch.manual_seed(0)
    votes = PromptAttention(8).requires_grad_(False)
    features = torch.randn(samples * frames, 8, *SIZE)
    marks = F.one_hot(torch.randint(0, 11, (samples * frames, *SIZE)), 11).movedim(-1, 1).float()
    marks = marks * (torch.rand(samples * frames, 1, *SIZE) < 0.3)
    return votes, features, torch.cat([marks, marks.roll(1, dims=0)], dim=1)


def test_votes_are_means_of_prompts_by_likeness():
    votes, features, prompts = setting()
    found = votes(features, prompts, 3)
    codes = F.normalize(votes.likeness(features).view(6, 2, 23, *SIZE), dim=2)
    for sample in range(2):
        own = slice(3 * sample, 3 * sample + 3)
        for kind in range(2):
            code = codes[own, kind].permute(0, 2, 3, 1).reshape(36, 23)
            value = prompts[own, 11 * kind : 11 * kind + 11].permute(0, 2, 3, 1).reshape(36, 11)
            logits = 10 * code @ code.T + 10 * value.amax(dim=1)
            seen = (logits.softmax(dim=1) @ value).view(3, *SIZE, 11).permute(0, 3, 1, 2)
            assert torch.allclose(found[own, 11 * kind : 11 * kind + 11], seen, atol=1e-5)


def test_no_identity_and_no_frame_is_special():
    votes, features, prompts = setting(samples=1)
    found = votes(features, prompts, 3)
    identities = torch.randperm(11)
    other = votes(features, prompts.view(3, 2, 11, *SIZE)[:, :, identities].flatten(1, 2), 3)
    assert torch.allclose(other, found.view(3, 2, 11, *SIZE)[:, :, identities].flatten(1, 2), atol=1e-5)
    order = [2, 0, 1]
    assert torch.allclose(votes(features[order], prompts[order], 3), found[order], atol=1e-5)


def test_a_stroke_reaches_what_looks_alike_in_another_frame():
    torch.manual_seed(0)
    votes = PromptAttention(8).requires_grad_(False)
    looks = torch.randn(3, 8)
    place = torch.tensor([[0, 1, 2, 0], [2, 1, 0, 1]])
    features = looks[place].permute(0, 2, 1)[:, :, None]
    prompts = torch.zeros(2, 22, 1, 4)
    prompts[0, 5, 0, 0] = prompts[0, 7, 0, 1] = prompts[0, 0, 0, 2] = 1
    found = votes(features, prompts, 2)
    assert torch.tensor([5, 7, 0])[place].tolist() == found[:, :11, 0].argmax(dim=1).tolist()
    # Nobody has a previous mask.
    assert found[:, 11:].abs().max() == 0
