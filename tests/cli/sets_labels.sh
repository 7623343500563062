# SPDX-License-Identifier: Apache-2.0
# A labels file gives identities and groups; what fits nothing is counted; when nothing fits, nothing is made.
. "$TESTS/lib.sh"
tiny_model
pictures photos 2 2
tar --sort=name -C photos -cf set.tar .
cat >labels.csv <<END
path,identity,age,"sex, as noted"
person_00/00.png,Ann,30,f
person_00/01.png,Ann,31,
person_01/00.png,Bob,,"m, or ""m"""
nobody.png,Eve,1,f
END
embed set.tar -o faces --labels labels.csv
head -1 faces/images.csv | sed 's/.*message/message/'
sed 's/,ok,.*,,/,ok,...,/; 1d' faces/images.csv
embed set.tar -o faces --labels labels.csv -q | head -1
sed -i s/Bob/Rob/ labels.csv
embed set.tar -o faces --labels labels.csv -q 2>/dev/null && echo "other labels, same result"
echo "path,identity
x/1.png,A" >none.csv
embed set.tar -o none --labels none.csv
#exit 1
#out 4 images of 2 identities
#out          4 embedded, 48 numbers each, in faces/embeddings.npy
#out message,group:age,"group:sex, as noted"
#out 0,set.tar!/person_00/00.png,Ann,ok,*,30,f
#out 1,set.tar!/person_00/01.png,Ann,ok,*
#out 2,set.tar!/person_01/00.png,Bob,ok,*"m, or ""m"""
#out 3,set.tar!/person_01/01.png,,ok,*
#out faces is up to date: nothing to do
#err warning: labels.csv: 1 of 4 images have no line, and so no identity or group (first: set.tar!/person_01/01.png)
#err warning: labels.csv: 1 of 4 lines belong to no image (first: nobody.png)
#err ...
#err likeness: error: none.csv: no line belongs to any image: the first path there is 'x/1.png', the first image 'set.tar!/person_00/00.png'*
