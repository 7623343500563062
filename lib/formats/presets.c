/* SPDX-License-Identifier: Apache-2.0 */
/* presets.c - the published sets by name: how each lies on disk, and what has to be known to judge it. */
#include "likeness.h"

#define NULL_SET_TEXT                                                                                        \
    "It is rendered from 3-D models, and no face photo went into it: a null set. What an audit against a "   \
    "set of photos finds here is chance and the matcher's weakness; 99 % of its images lie at or above 0.3 " \
    "to CASIA-WebFace all the same."

static const lk_preset presets[] = {
    {.name = "casia",
     .title = "CASIA-WebFace as InsightFace packs it: 490,623 real photos of 10,572 persons",
     .format = "rec",
     .identity = "label",
     .aligned = 1,
     .warning = "its labels have errors, so a person may stand under two names; the .bin files beside "
                "train.rec are other sets",
     .text =
         "A training set. train.rec with train.idx (and train.lst, property): JPEG crops of 112 x 112 on the "
         "ArcFace template. Give the folder or train.rec. The identity is the label in the records. The "
         "files "
         "lfw.bin, cfp_fp.bin, agedb_30.bin and others beside it are sets of pairs for measuring, not part "
         "of it. Its labels have errors: one person under two names, here and in a hold-out cut from it, "
         "hides leaks. Images unpacked by AdaFace's convert.py have red and blue exchanged: look at one."},
    {.name = "ffhq",
     .title = "FFHQ: 70,000 real photos, 1024 x 1024 or thumbnails of 128 x 128, without identities",
     .identity = "none",
     .warning = "FFHQ's own alignment is not the ArcFace crop, so faces are detected and aligned again; its "
                "folders of a thousand are no persons",
     .text =
         "A training set. PNG files in folders of a thousand (00000/00000.png) or in zip files. It has no "
         "identities: every image is a unit of its own, though a person may be in it several times. It was "
         "aligned by dlib's landmarks with a loose crop, which is not the ArcFace crop of 112 x 112: a mere "
         "resize of it gives embeddings of no use. Faces are detected and aligned again."},
    {.name = "dcface",
     .title = "DCFace 0.5M (10,000 identities x (50 images + 5 copies of one)) and 1.2M",
     .format = "rec",
     .identity = "parent",
     .aligned = 1,
     .warning =
         "every identity holds five extra copies of its identity image: run `likeness duplicates` first "
         "and give its table with --exclude",
     .text =
         "A synthetic set. record/file.rec with file.idx and list.txt: crops of 112 x 112. The identity "
         "stands "
         "only in list.txt (record number, tab, path: its folder), not in the records, whose label is always "
         "0; without list.txt beside the file there are no identities. 550,000 images are 10,000 identities "
         "with 50 images and five copies of the identity image each; copies count several times unless they "
         "are left out."},
    {.name = "idiff",
     .title = "IDiff-Face, Uniform and Two-stage: 10,000 identities x 50",
     .identity = "parent",
     .aligned = 1,
     .warning =
         "some identities were only resized, not aligned: their embeddings are of little use and pile up "
         "on a few references",
     .text =
         "A synthetic set. Class folders (00036/00036_15.png) of 112 x 112. It is taken as aligned, but some "
         "identities were only scaled to that size and do not lie on the ArcFace template. References that "
         "are "
         "the closest of very many images, and identities whose images disagree, are what that looks like. "
         "With --detector NAME the faces are detected and aligned again, where they are found."},
    {.name = "sface",
     .title = "SFace and SFace2: up to 1.9 million images in classes",
     .identity = "parent",
     .aligned = 1,
     .warning = "the class label is a class of CASIA-WebFace: the generator was told whom to imitate",
     .text =
         "A synthetic set (not to be confused with the recogniser of that name). Class folders "
         "(003357/000097.png) of 112 x 112. The generator was conditioned on the classes of CASIA-WebFace, "
         "and "
         "the label of a class is that of a CASIA class: a match of a class with the real person of the same "
         "number is what the method aims at, not a surprise."},
    {.name = "idnet",
     .title = "IDNet: half a million images or more in classes",
     .identity = "parent",
     .aligned = 1,
     .warning = "find out whether its class labels are classes of the training set, as those of SFace are",
     .text = "A synthetic set. Class folders of 112 x 112, as SFace has them. If a class label is that of a "
             "class of "
             "the training set, a match with the person of the same number is no surprise."},
    {.name = "gandiffface",
     .title = "GANDiffFace: 544,234 images in a zip file",
     .identity = "parent",
     .warning = "its crops are not aligned, so faces are detected and aligned",
     .text =
         "A synthetic set. A zip file, read as it is, with folders such as Asian_Female_1353225/46.png, "
         "which "
         "are the identities. The crops are not on the ArcFace template. Sex and ethnicity in the names are "
         "those asked of the generator."},
    {.name = "digiface",
     .title = "DigiFace-1M: 1.2 million rendered images",
     .identity = "parent",
     .aligned = 1,
     .warning = "it is rendered and saw no photo: a null set, what is found here is chance",
     .text = "A synthetic set. Eight zip files (subject/k.png, 112 x 112), read as they are: give all of "
             "them. " NULL_SET_TEXT},
    {.name = "hsface",
     .title = "HSFace of Vec2Face: 0.5 to 15 million images in LMDB",
     .format = "lmdb",
     .identity = "label",
     .aligned = 1,
     .text =
         "A synthetic set. An LMDB folder whose values are msgpack lists of JPEG, perhaps a feature, and the "
         "label, which is the identity. The feature is not used: embeddings of all sets must come from one "
         "recogniser."},
};

int lk_preset_at(int i, lk_preset *out)
{
    if (i < 0 || i >= (int)(sizeof presets / sizeof *presets))
        return 0;
    *out = presets[i];
    return 1;
}
